// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;

namespace KvmActors.TestKit.Simulation;

/// <summary>Makes guests that report each of their runs.</summary>
internal sealed class WatchedGuests(IGuestFactory inner, SliceWatch watch) : IGuestFactory
{
    public string Engine => inner.Engine;

    public IGuest Create(
        MachineSpec spec,
        ImmutableArray<CpuidTable> cpuid,
        HostVendor vendor,
        GuestImage image) =>
        new WatchedGuest(inner.Create(spec, cpuid, vendor, image), watch);

    public IGuest Restore(
        MachineSpec spec, MachineState state, IEnumerable<(int PageNumber, ReadOnlyMemory<byte> Bytes)> pages) =>
        new WatchedGuest(inner.Restore(spec, state, pages), watch);
}
