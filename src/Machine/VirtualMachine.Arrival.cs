// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu;
using KvmActors.Cpu.Memory;

namespace KvmActors.Machine;

/// <content>A VM that arrives from elsewhere, its memory before its state.</content>
public sealed partial class VirtualMachine
{
    /// <summary>A VM with empty memory that awaits its pages and its state: all that may be done before
    /// <see cref="Complete"/> is <see cref="PutPage"/> and <see cref="SumMemory"/>.</summary>
    /// <exception cref="ArgumentException">The spec asks for what this version cannot do.</exception>
    public static VirtualMachine Await(MachineSpec spec) => new(spec);

    /// <summary>Copies a page into the memory of a VM that awaits it.</summary>
    /// <exception cref="ArgumentException">No such page.</exception>
    public void PutPage(int pageNumber, ReadOnlySpan<byte> bytes)
    {
        MachineSpecRules.CheckPage(Memory, pageNumber, bytes.Length);
        Memory.Write(new Gpa((ulong)pageNumber * GuestMemory.PageBytes), bytes);
    }

    /// <summary>The state of a VM whose pages are all there. From here on it is as <see cref="Restore"/> gives
    /// one.</summary>
    /// <exception cref="ArgumentException">It does not fit the spec; the VM still awaits one.</exception>
    public void Complete(MachineState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        MachineSpecRules.CheckState(Spec, state);
        Adopt(state);
    }
}
