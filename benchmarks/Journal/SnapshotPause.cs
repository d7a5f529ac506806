// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Diagnostics;
using KvmActors.Actors.Vm;
using KvmActors.Cpu;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Cpu.Memory;
using KvmActors.Machine;
using KvmActors.Machine.Hashing;
using KvmActors.Machine.Loaders;
using KvmActors.Samples.Guests;

namespace KvmActors.Benchmarks.Journal;

/// <summary>For how long a guest stands still for a snapshot of a thousand pages written since the last one: what is
/// captured on its thread. Hashing, compressing and storing go on while it runs.</summary>
internal static class SnapshotPause
{
    private const int DirtyPages = 1_000;
    private const int Rounds = 21;

    public static void Measure(Action<string, FormattableString> print)
    {
        _ = Pauses(64UL << 20);
        foreach (ulong memoryMiB in (ulong[])[256, 4096])
        {
            double[] pauses = Pauses(memoryMiB << 20);
            print(
                $"snapshot of {DirtyPages} dirty pages, {memoryMiB} MiB",
                $"{pauses[Rounds / 2],12:f2} ms; at worst {pauses[^1]:f2} ms");
        }
    }

    private static double[] Pauses(ulong memoryBytes)
    {
        MachineSpec spec = new(1, memoryBytes, HypercallPatchPolicy.Auto, MachineSpec.TurnTicksDefault);
        using var machine = VirtualMachine.Create(
            spec,
            [CpuidTable.Empty],
            HostVendor.Intel,
            BootImageLoader.Load(EchoGuest.Build(secondRests: true), commandLine: ""));
        MachineGuest guest = new(machine);
        _ = guest.SumMemory();
        _ = guest.TakeDirty(DirtyReader.Snapshot);
        double[] pauses = new double[Rounds];
        byte[] word = new byte[8];
        for (int round = 0; round < Rounds; round++)
        {
            for (int page = 0; page < DirtyPages; page++)
            {
                BitConverter.TryWriteBytes(word, (round * DirtyPages) + page + 1);
                ulong spread = (ulong)page * (memoryBytes / DirtyPages / GuestMemory.PageBytes) * GuestMemory.PageBytes;
                ulong hole = spread < GuestMemory.LowEndMax ? 0 : GuestMemory.HighStart - GuestMemory.LowEndMax;
                machine.Memory.Write(new Gpa(spread + hole), word);
            }

            long start = Stopwatch.GetTimestamp();
            PageCopies copies = guest.CopyPages();
            PendingMemorySum sum = guest.CaptureMemory(copies);
            ImmutableArray<CapturedPage> pages =
                [.. guest.TakeDirty(DirtyReader.Snapshot).Select(page => CapturedPage.Of(copies, page))];
            _ = guest.Save();
            _ = guest.HashState();
            pauses[round] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            _ = sum.Complete();
            if (pages.Length != DirtyPages)
            {
                throw new InvalidOperationException($"Expected {DirtyPages} dirty pages, found {pages.Length}.");
            }
        }

        Array.Sort(pauses);
        return pauses;
    }
}
