// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Demo;

/// <summary>Where the demo's store, configuration and logs are: a kept directory, or one that goes with the
/// demo.</summary>
internal sealed class DemoDirectory : IDisposable
{
    private readonly string _path;
    private readonly bool _isKept;

    private DemoDirectory(string path, bool isKept)
    {
        _path = path;
        _isKept = isKept;
    }

    public string StoreFile => Path.Combine(_path, "store.db");

    /// <exception cref="CliFault">The directory cannot be made, or holds a store already.</exception>
    public static DemoDirectory Create(string? keep)
    {
        if (keep is null)
        {
            return new DemoDirectory(Directory.CreateTempSubdirectory("kvmactors-demo-").FullName, isKept: false);
        }

        try
        {
            DemoDirectory directory = new(Directory.CreateDirectory(keep).FullName, isKept: true);
            return File.Exists(directory.StoreFile)
                ? throw new CliFault(
                    $"Expected no store at {directory.StoreFile}, found one: the demo never writes over a journal. "
                    + "Name another directory with --keep, or remove it.")
                : directory;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CliFault(
                $"Expected to make the directory {keep}: {fault.Message} Name another with --keep.", fault);
        }
    }

    public string LogOf(string node) => Path.Combine(_path, $"{node}.log");

    /// <summary>Leaves the guest's image there, so that <c>run</c> can boot it too.</summary>
    public void WriteImage(DemoGuest guest) => File.WriteAllBytes(Path.Combine(_path, "guest.elf"), guest.Image);

    public string WriteConfiguration(DemoOptions options)
    {
        string file = Path.Combine(_path, "nodes.conf");
        File.WriteAllText(file, DemoConfiguration.Text(options, StoreFile));
        return file;
    }

    public void Dispose()
    {
        if (!_isKept)
        {
            Directory.Delete(_path, recursive: true);
        }
    }
}
