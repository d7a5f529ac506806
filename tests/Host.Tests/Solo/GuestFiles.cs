// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Hypercalls;
using KvmActors.Samples.Guests;

namespace KvmActors.Host.Tests.Solo;

/// <summary>Guest images in a folder of their own.</summary>
internal sealed class GuestFiles : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kvmactors-guests-");

    public string Path(string name) => System.IO.Path.Combine(_folder.FullName, name);

    /// <summary>The story guest, short unless a size is given, built for Intel: VMCALL.</summary>
    public string Story(StoryGuestSize? size = null)
    {
        string path = Path("story.elf");
        File.WriteAllBytes(path, StoryGuest.Build(HostVendor.Intel, size ?? StoryGuestSize.Short));
        return path;
    }

    /// <summary>A boot sector that begins with these bytes.</summary>
    public string Sector(params byte[] code)
    {
        byte[] sector = new byte[512];
        code.CopyTo(sector, 0);
        (sector[510], sector[511]) = (0x55, 0xAA);
        string path = Path($"sector-{Convert.ToHexStringLower(code)[..Math.Min(16, code.Length * 2)]}.bin");
        File.WriteAllBytes(path, sector);
        return path;
    }

    public string Text(string name, string text)
    {
        File.WriteAllText(Path(name), text);
        return Path(name);
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
