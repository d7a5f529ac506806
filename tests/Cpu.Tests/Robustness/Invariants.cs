// SPDX-License-Identifier: Apache-2.0

using System.Reflection;
using KvmActors.Cpu.Execute;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Tests.Robustness;

/// <summary>What must hold of the engine's own memory, whatever a guest did: else a guest could reach the host's.
/// </summary>
internal static unsafe class Invariants
{
    private static readonly FieldInfo s_engine =
        typeof(Vcpu).GetField("_engine", BindingFlags.Instance | BindingFlags.NonPublic)!;

    public static void Check(Vcpu vcpu, GuestMemory memory)
    {
        CpuState* state = ((VcpuEngine)s_engine.GetValue(vcpu)!).State;
        Expect(state->Zero == 0, $"the register that is always 0 to be so, found {state->Zero:x}");
        Expect(
            state->Ram == memory.Ram && state->RamEnd == memory.End && state->RamLowEnd == memory.LowEnd,
            "RAM where it was");
        Expect(state->Cpl is >= 0 and <= 3, $"a privilege level of 0 to 3, found {state->Cpl}");
        Expect(Enum.IsDefined(state->Mode), $"a mode, found {state->Mode}");
        for (int set = 0; set < Tlb.SetCount; set++)
        {
            var entries = (TlbEntry*)Tlb.Set(state, set);
            for (int index = 0; index < Tlb.SetBytes / Tlb.EntryBytes; index++)
            {
                CheckEntry(memory, entries[index], $"{index} of set {set}");
            }
        }
    }

    private static void CheckEntry(GuestMemory memory, TlbEntry entry, string name)
    {
        if (entry.Tag != TlbEntry.Invalid)
        {
            ulong offset = (entry.Tag << Tlb.PageShift) + (ulong)entry.Addend - (ulong)memory.Ram;
            Expect(
                memory.RamFrom(new Gpa(offset)) > 0 && offset % GuestMemory.PageBytes == 0,
                $"TLB entry {name} to lead to a page of RAM, found offset {offset:x}");
        }
    }

    private static void Expect(bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidOperationException($"Expected {what}.");
        }
    }
}
