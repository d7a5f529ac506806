// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu;
using KvmActors.Cpu.Memory;

namespace KvmActors.Machine;

/// <content>A VM that arrives from elsewhere: all of it, or its memory before its state.</content>
public sealed partial class VirtualMachine
{
    /// <summary>A VM as it was saved. What it does from then on is what the saved one would have done.</summary>
    /// <param name="pages">The pages that are not zero, in any order; their bytes are copied.</param>
    /// <param name="engine">As for a new one; it need not be that of the saved one.</param>
    /// <remarks>All restored pages count as written for every reader of the dirty log.</remarks>
    /// <exception cref="ArgumentException">State or pages do not fit the spec.</exception>
    public static VirtualMachine Restore(
        MachineSpec spec,
        MachineState state,
        IEnumerable<(int PageNumber, ReadOnlyMemory<byte> Bytes)> pages,
        EngineOptions? engine = null)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(pages);
        VirtualMachine machine = new(spec, engine);
        try
        {
            MachineSpecRules.CheckState(spec, state);
            foreach ((int pageNumber, ReadOnlyMemory<byte> bytes) in pages)
            {
                machine.PutPage(pageNumber, bytes.Span);
            }

            machine.Adopt(state);
            return machine;
        }
        catch
        {
            machine.Dispose();
            throw;
        }
    }

    /// <summary>A VM with empty memory that awaits its pages and its state: all that may be done before
    /// <see cref="Complete"/> is <see cref="PutPage"/> and <see cref="SumMemory"/>.</summary>
    /// <param name="spec">What it is made of.</param>
    /// <param name="engine">What executes the instructions; null: what fits the host.</param>
    /// <exception cref="ArgumentException">The spec asks for what this version cannot do.</exception>
    public static VirtualMachine Await(MachineSpec spec, EngineOptions? engine = null) => new(spec, engine);

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
