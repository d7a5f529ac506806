// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Tests.Silicon.Vectors.Recording;

/// <summary>Turns a case of the live tests into a shape: what the case needs is kept, all else is left to chance.
/// </summary>
internal sealed class ShapeMaker(Random random)
{
    private const ulong Nothing = 0;
    private const int StackTop = SiliconLayout.StackBytes / 2;

    private readonly InstructionInfoFactory _information = new();
    private readonly List<VectorOverride> _overrides = [];

    /// <param name="made">The case.</param>
    /// <param name="plan">How many vectors it becomes.</param>
    /// <param name="first">What the case needs besides.</param>
    public VectorShape Make(SiliconCase made, VectorPlan plan, params IEnumerable<VectorOverride> first)
    {
        _overrides.Clear();
        _overrides.AddRange(first);
        Instruction instruction = made.Instructions[0];
        Pin(made, Gpr.Rsp);
        PinAddresses(made, instruction);
        ulong? target = TargetOf(made, instruction);
        Restrict(made, instruction, target);
        VectorContent content = ContentOf(instruction, plan);
        ulong origin = made.Bits == 16 ? 0 : VectorLayout.BlockBase;
        return new VectorShape
        {
            Code = instruction.Code,
            Bits = made.Bits,
            Bytes = made.Bytes,
            CodeOffset = (int)(made.Address - origin),
            Count = plan.CountPerShape,
            FullCount = VectorTolerance.IsMakersOwn(instruction.Mnemonic) ? plan.CountPerShape : plan.FullPerShape,
            HasFx = plan.HasFx,
            Environment = plan.IsFpu ? VectorContent.FpuEnvironments : VectorContent.SimdEnvironments,
            StackContent = plan.IsFpu ? VectorContent.Extended : VectorContent.PackedIntegers,
            XmmContent = plan.IsFpu || VectorPools.WordsOf(content) != 2 ? VectorContent.PackedIntegers : content,
            DataContent = content,
            DataPhase = Phase(made, target, content),
            Overrides = [.. _overrides],
        };
    }

    /// <summary>Where the explicit memory operand is; null if there is none in the data window.</summary>
    public static ulong? TargetOf(SiliconCase made, in Instruction instruction)
    {
        for (int operand = 0; operand < instruction.OpCount; operand++)
        {
            if (instruction.GetOpKind(operand) != OpKind.Memory)
            {
                continue;
            }

            ulong address = instruction.GetVirtualAddress(operand, 0, (register, _, _) =>
                register.IsSegmentRegister() ? 0 : ValueOf(made, register));
            ulong start = (made.Bits == 16 ? 0 : VectorLayout.BlockBase) + SiliconLayout.Data;
            return address - start < SiliconLayout.DataBytes - 16 ? address - start : null;
        }

        return null;
    }

    private static ulong ValueOf(SiliconCase made, Register register)
    {
        ulong full = made.Gprs[register.GetFullRegister() - Register.RAX];
        return register.GetSize() switch
        {
            1 => (byte)full,
            2 => (ushort)full,
            4 => (uint)full,
            _ => full,
        };
    }

    private void PinAddresses(SiliconCase made, in Instruction instruction)
    {
        foreach (UsedMemory memory in _information.GetInfo(instruction).GetUsedMemory())
        {
            if (memory.Base.IsGPR())
            {
                Pin(made, GprOf(memory.Base));
            }

            if (memory.Index.IsGPR() && memory.Index != Register.AL)
            {
                Pin(made, GprOf(memory.Index));
            }
        }

        if (instruction.IsStringInstruction || instruction.Mnemonic is Mnemonic.Enter or Mnemonic.Leave)
        {
            Pin(made, Gpr.Rsi);
            Pin(made, Gpr.Rdi);
            Pin(made, Gpr.Rbp);
        }

        if (CaseOperands.HasMemory(instruction) && instruction.Mnemonic != Mnemonic.Lea)
        {
            foreach (Register register in (Register[])[instruction.MemoryBase, instruction.MemoryIndex])
            {
                if (register.IsGPR() && register != Register.AL)
                {
                    Pin(made, GprOf(register));
                }
            }
        }
    }

    private void Restrict(SiliconCase made, in Instruction instruction, ulong? target)
    {
        switch (instruction.Mnemonic)
        {
            case Mnemonic.Jmp or Mnemonic.Call when !FarForms.IsFar(instruction):
                PinTarget(made, instruction, target);
                break;
            case Mnemonic.Ret:
                Set(VectorOverride.Stack, StackTop, Nothing, made.Address + SiliconLayout.TakenOffset);
                break;
            case Mnemonic.Loop or Mnemonic.Loope or Mnemonic.Loopne or Mnemonic.Jrcxz or Mnemonic.Jecxz
                or Mnemonic.Jcxz:
                Set((byte)Gpr.Rcx, 0, random.Next(4) == 0 ? ulong.MaxValue : 3, Nothing);
                break;
            case Mnemonic.Popf or Mnemonic.Popfd or Mnemonic.Popfq:
                Set(VectorOverride.Stack, StackTop, SiliconResult.ComparedFlags, 0x202);
                break;
            case Mnemonic.Pcmpestri or Mnemonic.Pcmpestri64 or Mnemonic.Pcmpestrm or Mnemonic.Pcmpestrm64
                when random.Next(4) != 0:
                Set((byte)Gpr.Rax, 0, 0x1F, random.Next(3) == 0 ? ~0x1Ful : 0);
                Set((byte)Gpr.Rdx, 0, 0x1F, random.Next(3) == 0 ? ~0x1Ful : 0);
                break;
            case Mnemonic.Xsave or Mnemonic.Xrstor:
                break;
            default:
                RestrictIntegers(made, instruction, target);
                break;
        }

        if (instruction.HasRepPrefix || instruction.HasRepnePrefix)
        {
            Set((byte)Gpr.Rcx, 0, 7, Nothing);
        }
    }

    private void RestrictIntegers(SiliconCase made, in Instruction instruction, ulong? target)
    {
        int sizeBits = OperandBits(instruction, 0);
        switch (instruction.Mnemonic)
        {
            case Mnemonic.Div or Mnemonic.Idiv when sizeBits == 8:
                Set((byte)Gpr.Rax, 0, ~0xFF00ul, random.Next(3) == 0 ? 0xFF00ul : 0);
                break;
            case Mnemonic.Div or Mnemonic.Idiv when random.Next(4) != 0 && !IsOperand(instruction, Register.RDX):
                Set((byte)Gpr.Rdx, 0, random.Next(3) == 0 ? 3ul : 0, random.Next(3) == 0 ? Narrow(made, ~3ul) : 0);
                break;
            case Mnemonic.Bsf or Mnemonic.Bsr:
                SetOperand(instruction, 1, target, ulong.MaxValue, 1ul << random.Next(OperandBits(instruction, 1)));
                break;
            case Mnemonic.Shld or Mnemonic.Shrd when sizeBits == 16 && instruction.Op2Kind == OpKind.Register:
                // More than 16 has no defined result.
                Set((byte)Gpr.Rcx, 0, ~0x10ul, Nothing);
                break;
            case Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc
                when instruction.Op0Kind == OpKind.Memory && instruction.Op1Kind == OpKind.Register:
                Set(
                    (byte)GprOf(instruction.Op1Register), 0, 0x1FF,
                    random.Next(2) == 0 ? Narrow(made, ~0x1FFul) : Nothing);
                break;
            case Mnemonic.Cmpxchg or Mnemonic.Cmpxchg8b or Mnemonic.Cmpxchg16b when random.Next(2) == 0:
                MakeEqual(made, instruction, target);
                break;
            default:
                break;
        }
    }

    private void MakeEqual(SiliconCase made, in Instruction instruction, ulong? target)
    {
        ulong low = Narrow(made, EdgyNumber.Next(random));
        ulong high = Narrow(made, EdgyNumber.Next(random));
        if (instruction.Mnemonic == Mnemonic.Cmpxchg)
        {
            SetOperand(instruction, 0, target, Nothing, low);
        }
        else if (target is { } at)
        {
            bool pairOf32 = instruction.Mnemonic == Mnemonic.Cmpxchg8b;
            Set(VectorOverride.Data, at, Nothing, pairOf32 ? (uint)low | (high << 32) : low);
            if (!pairOf32)
            {
                Set(VectorOverride.Data, at + 8, Nothing, high);
            }

            Set((byte)Gpr.Rdx, 0, Nothing, high);
        }

        Set((byte)Gpr.Rax, 0, Nothing, low);
    }

    private void PinTarget(SiliconCase made, in Instruction instruction, ulong? target)
    {
        ulong taken = made.Address + SiliconLayout.TakenOffset;
        if (instruction.Op0Kind == OpKind.Register)
        {
            Set((byte)GprOf(instruction.Op0Register), 0, Nothing, taken);
        }
        else if (instruction.Op0Kind == OpKind.Memory)
        {
            Set(
                VectorOverride.Data, target ?? throw new InvalidOperationException("A branch through the stack."),
                Nothing, taken);
        }
    }

    private void SetOperand(in Instruction instruction, int operand, ulong? target, ulong mask, ulong ones)
    {
        if (instruction.GetOpKind(operand) == OpKind.Register)
        {
            Register register = instruction.GetOpRegister(operand);
            bool isHigh = register is >= Register.AH and <= Register.BH;
            Set((byte)GprOf(register), 0, mask, isHigh ? (byte)ones * 0x101ul : ones);
        }
        else if (target is { } at)
        {
            Set(VectorOverride.Data, at, mask, ones);
        }
        else
        {
            // Somewhere in the stack window.
            for (int offset = 0; offset < SiliconLayout.StackBytes; offset += 8)
            {
                Set(VectorOverride.Stack, (ulong)offset, mask, (byte)ones == 0 ? ones | 0x0101_0101_0101_0101 : ones);
            }
        }
    }

    private void Pin(SiliconCase made, Gpr register) => Set((byte)register, 0, Nothing, made.Gprs[(int)register]);

    /// <summary>What was said first of a register holds.</summary>
    private void Set(byte place, ulong offset, ulong mask, ulong ones)
    {
        if (place >= VectorOverride.Data || !_overrides.Any(change => change.Place == place))
        {
            _overrides.Add(new VectorOverride(place, (ushort)offset, mask, ones));
        }
    }

    private static int Phase(SiliconCase made, ulong? target, VectorContent content)
    {
        if (target is not { } offset || content == VectorContent.Integers)
        {
            return made.Bits == 64 ? 0 : 3;
        }

        return (int)(offset % (ulong)(VectorPools.WordsOf(content) * 8));
    }

    private static VectorContent ContentOf(in Instruction instruction, VectorPlan plan)
    {
        if (!plan.HasFx)
        {
            return VectorContent.Integers;
        }

        MemorySize size = instruction.Code.ToOpCode().MemorySize;
        return instruction.Mnemonic switch
        {
            Mnemonic.Ldmxcsr => VectorContent.Mxcsr,
            Mnemonic.Fxrstor or Mnemonic.Fxrstor64 => VectorContent.FxImages,
            Mnemonic.Fbld => VectorContent.Decimals,
            Mnemonic.Pcmpestri or Mnemonic.Pcmpestri64 or Mnemonic.Pcmpestrm or Mnemonic.Pcmpestrm64
                or Mnemonic.Pcmpistri or Mnemonic.Pcmpistrm => VectorContent.Text,
            _ => size switch
            {
                MemorySize.FpuEnv14 or MemorySize.FpuState94 => VectorContent.FpuImages16,
                MemorySize.FpuEnv28 or MemorySize.FpuState108 => VectorContent.FpuImages32,
                MemorySize.Float80 => VectorContent.Extended,
                _ => size.GetElementType() switch
                {
                    MemorySize.Float32 => VectorContent.Singles,
                    MemorySize.Float64 => VectorContent.Doubles,
                    _ => plan.IsFpu ? VectorContent.Integers : VectorContent.PackedIntegers,
                },
            },
        };
    }

    private static bool IsOperand(in Instruction instruction, Register full) =>
        instruction.Op0Kind == OpKind.Register && instruction.Op0Register.GetFullRegister() == full;

    private static ulong Narrow(SiliconCase made, ulong value) => made.Bits == 64 ? value : (uint)value;

    private static int OperandBits(in Instruction instruction, int operand) => operand >= instruction.OpCount ? 0
        : instruction.GetOpKind(operand) == OpKind.Register ? 8 * instruction.GetOpRegister(operand).GetSize()
        : 8 * instruction.MemorySize.GetSize();

    private static Gpr GprOf(Register register) => (Gpr)(register.GetFullRegister() - Register.RAX);
}
