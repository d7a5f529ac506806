// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Memory;

namespace KvmActors.Machine;

/// <summary>What a spec, and a state that is to fit it, must hold to. Each check throws an
/// <see cref="ArgumentException"/> with what was expected and found.</summary>
public static class MachineSpecRules
{
    /// <summary>The most vCPUs of a VM.</summary>
    public const int VcpusMax = 16;

    public const ulong MemoryBytesMin = 64 * 1024;

    /// <summary>What the page numbers of a snapshot and the tables that a node keeps by page are measured for.
    /// </summary>
    public const ulong MemoryBytesMax = 64UL << 30;

    public static void Check(MachineSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (spec.VcpuCount is < 1 or > VcpusMax)
        {
            throw new ArgumentException(
                $"Expected 1 to {VcpusMax} vCPUs, found {spec.VcpuCount}.",
                nameof(spec));
        }

        if (spec.MemoryBytes is < MemoryBytesMin or > MemoryBytesMax || spec.MemoryBytes % GuestMemory.PageBytes != 0)
        {
            throw new ArgumentException(
                $"Expected guest memory of {MemoryBytesMin >> 10} KiB to {MemoryBytesMax >> 20} MiB, a multiple of "
                + $"{GuestMemory.PageBytes} bytes, found {spec.MemoryBytes} bytes.",
                nameof(spec));
        }

        if (spec.TurnTicks == 0)
        {
            throw new ArgumentException("Expected a turn of at least 1 tick, found 0.", nameof(spec));
        }
    }

    internal static void CheckTables(MachineSpec spec, ImmutableArray<CpuidTable> cpuid)
    {
        if (cpuid.Length != spec.VcpuCount)
        {
            throw new ArgumentException(
                $"Expected one CPUID table for each of {spec.VcpuCount} vCPUs, found {cpuid.Length}.", nameof(cpuid));
        }
    }

    /// <exception cref="ArgumentException">No machine of this specification has such a state.</exception>
    public static void CheckState(MachineSpec spec, MachineState state)
    {
        if (state.Vcpus.Length != spec.VcpuCount)
        {
            throw new ArgumentException(
                $"Expected the state of {spec.VcpuCount} vCPUs, found {state.Vcpus.Length}.", nameof(state));
        }

        if (state.Turn < 0 || state.Turn >= spec.VcpuCount)
        {
            throw new ArgumentException(
                $"Expected the turn of a vCPU below {spec.VcpuCount}, found {state.Turn}.", nameof(state));
        }

        if (state.Runner < 0 || state.Runner >= spec.VcpuCount)
        {
            throw new ArgumentException(
                $"Expected a vCPU below {spec.VcpuCount} that runs in the turn, found {state.Runner}.", nameof(state));
        }

        if (state.TurnTicksLeft == 0 || state.TurnTicksLeft > spec.TurnTicks)
        {
            throw new ArgumentException(
                $"Expected 1 to {spec.TurnTicks} ticks left of the turn, found {state.TurnTicksLeft}.", nameof(state));
        }
    }

    internal static void CheckPage(GuestMemory memory, int pageNumber, int lengthBytes)
    {
        if (lengthBytes != GuestMemory.PageBytes)
        {
            throw new ArgumentException(
                $"Expected {GuestMemory.PageBytes} bytes for page {pageNumber}, found {lengthBytes}.");
        }

        if (pageNumber < 0 || !memory.IsRam(new Gpa((ulong)pageNumber * GuestMemory.PageBytes), GuestMemory.PageBytes))
        {
            throw new ArgumentException(
                $"Expected the number of a page of RAM, below {memory.PageCount}, found {pageNumber}.");
        }
    }
}
