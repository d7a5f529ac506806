// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Binding;

// JUSTIFICATION: see Uop.
// SAFETY: the micro-operation outlives the context, which lives for one instruction.

/// <summary>One decoded instruction on its way to a handler.</summary>
internal unsafe ref struct BindingContext
{
    public Instruction Instruction;

    public Uop* Uop;

    public CpuMode Mode;

    public GuestFeature Features;

    /// <summary>The guest's table, for features that have no bit in <see cref="Features"/>.</summary>
    public CpuidTable Cpuid;

    /// <summary>To be set if the instruction has to be the last of its block.</summary>
    public bool EndsBlock;

    public readonly int OperandBytes => 1 << Uop->SizeLog;

    public readonly bool Is64 => Mode == CpuMode.Long64;

    public readonly bool DestinationIsRegister => Uop->DestinationKind == OperandKind.Register;

    /// <summary>True if an address is in the page of the instruction's first byte.</summary>
    public readonly bool IsInSamePage(ulong rip) =>
        rip / GuestMemory.PageBytes == Instruction.IP / GuestMemory.PageBytes;
}
