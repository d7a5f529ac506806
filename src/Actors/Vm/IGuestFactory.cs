// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;

namespace KvmActors.Actors.Vm;

/// <summary>Makes guests.</summary>
public interface IGuestFactory
{
    /// <summary>Names engine and version. Two nodes with the same text compute the same states.</summary>
    string Engine { get; }

    /// <summary>A guest at VM time 0 with its image loaded.</summary>
    /// <exception cref="GuestImageException">The image cannot be booted; the message says why.</exception>
    IGuest Create(
        MachineSpec spec,
        ImmutableArray<CpuidTable> cpuid,
        HostVendor vendor,
        GuestImage image);

    /// <summary>A guest from a state and its non-zero pages. Nothing counts as dirty afterwards.</summary>
    IGuest Restore(
        MachineSpec spec, MachineState state, IEnumerable<(int PageNumber, ReadOnlyMemory<byte> Bytes)> pages);

    /// <summary>A guest whose memory comes before its state.</summary>
    IIncomingGuest Receive(MachineSpec spec) => new BufferedGuest(this, spec);
}
