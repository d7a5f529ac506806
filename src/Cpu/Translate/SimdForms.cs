// SPDX-License-Identifier: Apache-2.0

using System.Runtime.Intrinsics.X86;
using Iced.Intel;
using KvmActors.Cpu.Execute.Simd;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Translate;

// JUSTIFICATION: see HostAssembler.
// SAFETY: see BlockTranslation.

/// <summary>SSE to SSE4.2 with XMM registers: the guest's instruction itself, with the host's registers and address in
/// place of the guest's.</summary>
/// <remarks>The host does what the interpreter does, bit for bit, since that is held against processors; but not for
/// approximations and NaNs of DPPS, in which makers differ.</remarks>
internal sealed unsafe class SimdForms
{
    private const byte AlignmentMask = 15;
    private const GuestFeature BeyondSse2 =
        GuestFeature.Sse3 | GuestFeature.Ssse3 | GuestFeature.Sse41 | GuestFeature.Sse42;

    private readonly HostCodeBytes _bytes = new();
    private readonly Encoder _encoder;

    public SimdForms() => _encoder = Encoder.Create(64, _bytes);

    /// <summary>Emits the instruction; false, with nothing emitted, if it has no form here.</summary>
    public bool TryEmit(BlockTranslation translation)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        ref readonly SimdRule rule = ref SimdInstructions.Table[instruction.Code];
        bool hasForm = rule.Form != null
            && (translation.Features & rule.Requires) == rule.Requires
            && ((rule.Requires & BeyondSse2) == 0 || Sse42.IsSupported)
            && HasOnlyPlainOperands(instruction)
            && IsExact(instruction.Mnemonic);
        if (!hasForm)
        {
            return false;
        }

        translation.NeedSimd();
        Instruction host = instruction;
        if (HasMemory(instruction))
        {
            Access(translation, rule.IsAligned);
            PointToAddress(ref host);
            host.Code = Ordered(host.Code);
        }

        EmitWithRegisters(translation, ref host);
        return true;
    }

    private static bool HasMemory(in Instruction instruction) =>
        instruction.Op0Kind == OpKind.Memory || instruction.Op1Kind == OpKind.Memory;

    /// <summary>XMM registers, at most one memory operand of the usual kind, whole general registers.</summary>
    private static bool HasOnlyPlainOperands(in Instruction instruction)
    {
        bool hasXmm = false;
        for (int operand = 0; operand < instruction.OpCount; operand++)
        {
            OpKind kind = instruction.GetOpKind(operand);
            Register register = kind == OpKind.Register ? instruction.GetOpRegister(operand) : Register.None;
            bool isPlain = kind is OpKind.Memory or OpKind.Immediate8
                || register.IsXMM() || register.IsGPR32() || register.IsGPR64();
            if (!isPlain)
            {
                return false;
            }

            hasXmm |= register.IsXMM();
        }

        return hasXmm;
    }

    /// <summary>False for those whose result is the maker's choice, those that may switch the host's x87 to MMX, and
    /// those with more operands than they name.</summary>
    private static bool IsExact(Mnemonic mnemonic) => mnemonic is not Mnemonic.Rcpps and not Mnemonic.Rcpss
        and not Mnemonic.Rsqrtps and not Mnemonic.Rsqrtss and not Mnemonic.Dpps and not Mnemonic.Dppd
        and not Mnemonic.Cvtpi2ps and not Mnemonic.Cvtpi2pd
        and not Mnemonic.Pcmpestri and not Mnemonic.Pcmpestrm and not Mnemonic.Pcmpestri64
        and not Mnemonic.Pcmpestrm64;

    /// <summary>As <see cref="BlockTranslation.Access"/>; an operand that has to be aligned and is not faults in the
    /// interpreter.</summary>
    private static void Access(BlockTranslation translation, bool isAligned)
    {
        ref readonly Instruction instruction = ref translation.Instruction;
        MemoryAddress.Form(translation, HostLayout.Address);
        if (isAligned)
        {
            translation.Code.Registers(HostOpcode.Unary, 1, 0, HostLayout.Address);
            translation.Code.Immediate(1, AlignmentMask);
            translation.Step(translation.Code.JumpIf(HostCondition.NotZero));
        }

        translation.Probe(instruction.MemorySize.GetSize(), instruction.Op0Kind == OpKind.Memory);
    }

    private static void PointToAddress(ref Instruction host)
    {
        host.MemoryBase = Named(HostLayout.Address, sizeBytes: 8);
        host.MemoryIndex = Register.None;
        host.MemoryIndexScale = 1;
        host.MemoryDisplacement64 = 0;
        host.MemoryDisplSize = 0;
        host.SegmentPrefix = Register.None;
    }

    /// <summary>Stores past the caches become usual ones, which other threads see in order.</summary>
    private static Code Ordered(Code code) => code switch
    {
        Code.Movntps_m128_xmm or Code.Movntpd_m128_xmm or Code.Movntdq_m128_xmm => Code.Movups_xmmm128_xmm,
        _ => code,
    };

    private static Register Named(HostRegister register, int sizeBytes) =>
        (sizeBytes == 8 ? Register.RAX : Register.EAX) + (int)register;

    /// <summary>With at most one general register.</summary>
    private void EmitWithRegisters(BlockTranslation translation, ref Instruction host)
    {
        int? general = GeneralOperandOf(host);
        if (general is not { } operand)
        {
            Encode(translation, host);
            KeepResults(translation);
            return;
        }

        Register guest = host.GetOpRegister(operand);
        HostRegister register = translation.Read(guest, HostLayout.Value);
        host.SetOpRegister(operand, Named(register, guest.GetSize()));
        Encode(translation, host);
        KeepResults(translation);
        if (operand == 0 && register == HostLayout.Value)
        {
            translation.Write(guest, register);
        }
    }

    private static int? GeneralOperandOf(in Instruction instruction)
    {
        for (int operand = 0; operand < instruction.OpCount; operand++)
        {
            if (instruction.GetOpKind(operand) == OpKind.Register && instruction.GetOpRegister(operand).IsGPR())
            {
                return operand;
            }
        }

        return null;
    }

    /// <summary>Flags, and the index of PCMPISTRI, which the host leaves in ECX.</summary>
    private static void KeepResults(BlockTranslation translation)
    {
        if (FlagLiveness.SetBy(translation.Instruction) != StatusFlags.None)
        {
            FlagCode.KeepAll(translation);
        }

        if (translation.Instruction.Mnemonic == Mnemonic.Pcmpistri)
        {
            translation.Write(Register.ECX, HostRegister.Rcx);
        }
    }

    private void Encode(BlockTranslation translation, in Instruction host)
    {
        _bytes.Code = translation.Code;
        _encoder.Encode(host, rip: 0);
    }

    /// <summary>Where the encoder's bytes go.</summary>
    private sealed class HostCodeBytes : CodeWriter
    {
        public HostAssembler? Code { get; set; }

        public override void WriteByte(byte value) => Code!.Byte(value);
    }
}
