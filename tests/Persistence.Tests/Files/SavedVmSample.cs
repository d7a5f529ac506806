// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;
using KvmActors.Machine.Loaders;
using KvmActors.Machine.Time;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Files;
using KvmActors.Persistence.Tests.Events;

namespace KvmActors.Persistence.Tests.Files;

/// <summary>A small VM that has run a little, and its file.</summary>
internal static class SavedVmSample
{
    /// <summary>mov dx, 3F8h; mov al, 'A'; then out dx, al; inc al; jmp back: it puts out one letter after the
    /// other.</summary>
    private static readonly byte[] s_letters = [0xBA, 0xF8, 0x03, 0xB0, 0x41, 0xEE, 0xFE, 0xC0, 0xEB, 0xFB];

    private static readonly MachineSpec s_spec = new(1, 64 << 10, HypercallPatchPolicy.Auto, 20_000);

    /// <summary>The VM, 50 instructions after its creation; the caller disposes it.</summary>
    internal static VirtualMachine Machine(out byte[] console)
    {
        byte[] sector = new byte[512];
        s_letters.CopyTo(sector, 0);
        (sector[510], sector[511]) = (0x55, 0xAA);
        var machine = VirtualMachine.Create(
            s_spec, [EventExamples.Table], HostVendor.Intel, BootImageLoader.Load(sector, "letters", default));
        console = machine.RunSlice(new SliceLimits(50, static () => false)).Console.ToArray();

        // The same content twice, and one that Deflate does not make shorter.
        byte[] noise = new byte[4096];
        new Random(1).NextBytes(noise);
        byte[] text = new byte[4096];
        text.AsSpan(0, 100).Fill(0x41);
        machine.Memory.Write(new Cpu.Gpa(0xC000), text);
        machine.Memory.Write(new Cpu.Gpa(0xD000), noise.AsSpan(0, 600));
        machine.Memory.Write(new Cpu.Gpa(0xE000), text);
        return machine;
    }

    internal static SavedVm Of(VirtualMachine machine, byte[] console) => new(
        VmId.Parse("letters"),
        new NodeId("node-1#3"),
        new Epoch(2),
        "kvmactors 0.1.0",
        new JournalEvent.VmCreated(s_spec, "letters.bin", new string('a', 64), "letters"),
        machine.HashState(),
        machine.SumMemory(),
        machine.Save(),
        console,
        PagesOf(machine).Count);

    internal static List<(int PageNumber, ReadOnlyMemory<byte> Bytes)> PagesOf(VirtualMachine machine) =>
    [
        .. Enumerable.Range(0, machine.Memory.PageCount).Where(page => !machine.Memory.IsZero(page))
            .Select(page => (page, (ReadOnlyMemory<byte>)machine.Memory.Page(page).ToArray())),
    ];

    internal static byte[] File()
    {
        using VirtualMachine machine = Machine(out byte[] console);
        using SavedVmWriter writer = new(Of(machine, console));
        byte[] begin = writer.Begin();
        byte[] pages = writer.Pages(PagesOf(machine));
        return [.. begin, .. pages, .. writer.End()];
    }

    internal sealed record ReadBack(
        SavedVm Saved, List<(int PageNumber, ReadOnlyMemory<byte> Bytes)> Pages, Digest Checksum)
    {
        internal VirtualMachine Restore() => VirtualMachine.Restore(Saved.Created.Spec, Saved.Machine, Pages);
    }

    /// <summary>Reads a file whole, as a restore does.</summary>
    internal static async Task<ReadBack> ReadAsync(Stream file)
    {
        using SavedVmReader reader = await SavedVmReader.OpenAsync(file, default);
        Dictionary<int, ReadOnlyMemory<byte>> pages = [];
        await foreach (IReadOnlyList<SavedPage> piece in reader.ReadPagesAsync(default))
        {
            foreach (SavedPage page in piece)
            {
                pages.Add(page.PageNumber, page.SameAs is { } same ? pages[same] : page.Bytes);
            }
        }

        return new ReadBack(reader.Saved, [.. pages.Select(page => (page.Key, page.Value))], reader.Checksum!.Value);
    }
}
