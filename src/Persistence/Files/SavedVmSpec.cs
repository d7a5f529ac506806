// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using Google.Protobuf;
using KvmActors.Machine;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Wire;

namespace KvmActors.Persistence.Files;

/// <summary>The sections SPEC, STAT and CONS of a saved VM's file, to and from what they mean. Pure.</summary>
internal static class SavedVmSpec
{
    internal static byte[] Encode(SavedVm saved)
    {
        var wire = new WireSavedVm
        {
            Vm = saved.Vm.Value,
            Node = saved.Node.Value,
            Epoch = saved.Epoch.Value,
            Engine = saved.Engine,
            Created = EventWire.Of(saved.Created),
            VmTime = saved.Machine.VmTime,
            InstructionsRetired = saved.InstructionsRetired,
            ConsoleBytes = saved.Machine.ConsoleBytes,
            HostVendor = MachineWire.Of(saved.Machine.HostVendor),
            StateHash = MachineWire.Of(saved.State),
            MemorySum = MachineWire.Of(saved.Memory),
            PageCount = checked((uint)saved.PageCount),
        };
        wire.Cpuid.AddRange(saved.Cpuid.Select(MachineWire.Of));
        return wire.ToByteArray();
    }

    /// <exception cref="WireFault">The bytes say nothing that this format allows.</exception>
    /// <exception cref="InvalidProtocolBufferException">They are no message.</exception>
    internal static WireSavedVm Parse(ReadOnlySpan<byte> payload) => WireSavedVm.Parser.ParseFrom(payload);

    /// <exception cref="WireFault">The sections contradict each other, or name what no VM is made of.</exception>
    internal static SavedVm Join(WireSavedVm spec, MachineState machine, ReadOnlyMemory<byte> console)
    {
        JournalEvent.VmCreated created = EventWire.From(WireFault.Present(spec.Created, "created"));
        SavedVm saved = new(
            VmOriginWire.NameFrom(spec.Vm),
            new NodeId(spec.Node),
            new Epoch(spec.Epoch),
            spec.Engine,
            created,
            MachineWire.StateHash(spec.StateHash),
            MachineWire.MemorySum(spec.MemorySum),
            machine,
            console,
            MachineWire.Index(spec.PageCount, "page_count"));
        try
        {
            MachineSpecRules.Check(created.Spec);
            MachineSpecRules.CheckState(created.Spec, machine);
        }
        catch (ArgumentException wrong)
        {
            throw new WireFault(wrong.Message);
        }

        Same("VM time", spec.VmTime, machine.VmTime);
        Same("instructions", spec.InstructionsRetired, saved.InstructionsRetired);
        Same("console bytes", spec.ConsoleBytes, machine.ConsoleBytes);
        Same("host vendor", MachineWire.From(spec.HostVendor), machine.HostVendor);
        Same("CPUID tables", spec.Cpuid.Count, machine.Vcpus.Length);
        Same("CPUID", spec.Cpuid.Select(MachineWire.From).SequenceEqual(saved.Cpuid), true);
        AtMost("console bytes kept", (ulong)console.Length, Math.Min(machine.ConsoleBytes, SavedVm.ConsoleBytesMax));
        AtMost("pages", spec.PageCount, created.Spec.MemoryBytes / Pages.PageRules.PageBytes);
        return machine.End is null
            ? saved
            : throw new WireFault($"Expected a VM that can run, found one that ended: {machine.End.Describe()}");
    }

    private static void Same<T>(string what, T inSpec, T inState)
    {
        if (!EqualityComparer<T>.Default.Equals(inSpec, inState))
        {
            throw new WireFault(string.Create(
                CultureInfo.InvariantCulture,
                $"Expected SPEC and STAT to agree on {what}, found {inSpec} and {inState}."));
        }
    }

    private static void AtMost(string what, ulong count, ulong most)
    {
        if (count > most)
        {
            throw new WireFault(
                string.Create(CultureInfo.InvariantCulture, $"Expected at most {most} {what}, found {count}."));
        }
    }
}
