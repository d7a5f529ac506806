// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Cpuid;
using KvmActors.Machine;
using KvmActors.Machine.Hashing;
using KvmActors.Persistence.Events;

namespace KvmActors.Persistence.Files;

/// <summary>A VM at one VM time, as a file holds it: all but its memory pages, which follow one by one.</summary>
/// <param name="Vm">Its name when it was saved.</param>
/// <param name="Node">Where it ran.</param>
/// <param name="Engine">Of that node.</param>
/// <param name="Created">What it is made of.</param>
/// <param name="State">Over <paramref name="Machine"/>, so that a restore proves itself.</param>
/// <param name="Memory">Over the pages.</param>
/// <param name="Machine">vCPUs with their CPUID tables, devices, host vendor.</param>
/// <param name="Console">The last bytes that it put out, at most <see cref="ConsoleBytesMax"/>.</param>
/// <param name="PageCount">Pages that are not zero.</param>
public sealed record SavedVm(
    VmId Vm,
    NodeId Node,
    Epoch Epoch,
    string Engine,
    JournalEvent.VmCreated Created,
    StateHash State,
    MemorySum Memory,
    MachineState Machine,
    ReadOnlyMemory<byte> Console,
    int PageCount)
{
    /// <summary>As much as a snapshot keeps.</summary>
    public const int ConsoleBytesMax = 1 << 20;

    public ulong InstructionsRetired =>
        Machine.Vcpus.Aggregate(0UL, static (sum, vcpu) => sum + vcpu.InstructionsRetired);

    public ImmutableArray<CpuidTable> Cpuid => [.. Machine.Vcpus.Select(vcpu => vcpu.Cpuid)];

    /// <summary>What the journal of a VM that is made of this says of where it comes from.</summary>
    /// <param name="fileSha256">The file's checksum.</param>
    public VmOrigin Origin(Digest fileSha256) => new(
        VmOriginKind.File, Vm, Machine.VmTime, InstructionsRetired, Machine.ConsoleBytes, State, Memory)
    {
        FileSha256 = fileSha256.Hex,
    };
}
