// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;

namespace KvmActors.TestKit.Guests;

/// <summary>Makes <see cref="ModelGuest"/>s; their boot image is a <see cref="ModelProgram"/>.</summary>
public sealed class ModelGuestFactory : IGuestFactory
{
    public string Engine => "model";

    public IGuest Create(
        MachineSpec spec,
        ImmutableArray<CpuidTable> cpuid,
        HostVendor vendor,
        GuestImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        ModelProgram program = ModelProgram.Parse(image.Bytes.Span) ?? throw new GuestImageException(
            $"Expected a model program, found {image.Bytes.Length} other bytes. Make one with ModelProgram.ToImage.");
        return ModelGuest.Create(spec, program, image.Bytes.Span, cpuid, vendor);
    }

    public IGuest Restore(
        MachineSpec spec, MachineState state, IEnumerable<(int PageNumber, ReadOnlyMemory<byte> Bytes)> pages) =>
        ModelGuest.Restore(spec, state, pages);
}
