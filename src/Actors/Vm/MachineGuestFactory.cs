// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Cpu.Memory;
using KvmActors.Machine;
using KvmActors.Machine.Loaders;

namespace KvmActors.Actors.Vm;

/// <summary>Guests that are virtual machines of this program's engine.</summary>
/// <param name="engine">Names engine and version, for instance "kvmactors 0.1.0". States move only between nodes that
/// say the same.</param>
/// <param name="options">What executes the instructions; null: what fits the host.</param>
public sealed class MachineGuestFactory(string engine, EngineOptions? options = null) : IGuestFactory
{
    public string Engine => engine;

    public IGuest Create(
        MachineSpec spec,
        ImmutableArray<CpuidTable> cpuid,
        HostVendor vendor,
        GuestImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        try
        {
            return new MachineGuest(VirtualMachine.Create(
                spec, cpuid, vendor, BootImageLoader.Load(image.Bytes, image.CommandLine, image.Initrd), options));
        }
        catch (BootImageException wrong)
        {
            throw new GuestImageException(wrong.Message, wrong);
        }
    }

    public IIncomingGuest Receive(MachineSpec spec) => new IncomingMachine(spec, options);

    public IGuest Restore(
        MachineSpec spec, MachineState state, IEnumerable<(int PageNumber, ReadOnlyMemory<byte> Bytes)> pages)
    {
        var machine = VirtualMachine.Restore(spec, state, pages, options);
        _ = machine.Memory.TakeDirty(DirtyReader.Snapshot);
        _ = machine.Memory.TakeDirty(DirtyReader.Migration);
        return new MachineGuest(machine);
    }
}
