// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Torture.Cluster;

/// <summary>A file system of its own, in memory, so small that it can be filled.</summary>
internal sealed class SmallDisk : IDisposable
{
    private const string Name = "kvmactors-torture-disk";
    private const int BlockBytes = 64 * 1024;

    /// <summary>Mounts it, and takes away what a killed run left over.</summary>
    public SmallDisk(string folder, int megabytes)
    {
        RemoveLeftovers();
        Folder = folder;
        Directory.CreateDirectory(folder);
        OutsideProgram.Run("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", Name, folder);
    }

    public string Folder { get; }

    private string Ballast => Path.Combine(Folder, "ballast");

    /// <summary>Until nothing more can be written.</summary>
    public void Fill()
    {
        using FileStream file = new(Ballast, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
        foreach (int size in new[] { BlockBytes, 4096 })
        {
            byte[] block = new byte[size];
            try
            {
                while (true)
                {
                    file.Write(block);
                }
            }
            catch (IOException)
            {
                // Full, for blocks of that size.
            }
        }
    }

    public void Free() => File.Delete(Ballast);

    public void Dispose() => OutsideProgram.Try("umount", "--lazy", Folder);

    private static void RemoveLeftovers()
    {
        foreach (string folder in File.ReadLines("/proc/mounts")
            .Select(line => line.Split(' '))
            .Where(fields => fields[0] == Name)
            .Select(fields => fields[1])
            .ToArray())
        {
            OutsideProgram.Run("umount", "--lazy", folder);
        }
    }
}
