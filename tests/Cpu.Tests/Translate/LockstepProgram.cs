// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Tests.Execute;
using static KvmActors.Cpu.Tests.Translate.LockstepInstructions;

namespace KvmActors.Cpu.Tests.Translate;

/// <summary>A random 64-bit program: a loop of integer and vector instructions with jumps, calls near, far and through
/// registers, returns that no call announced and calls that never return, stores into its own code, pages of data that
/// come and go and pages of code that are exchanged, and instructions the translator has no form for.</summary>
internal sealed class LockstepProgram
{
    public const ulong DataStart = 0x4_0000;
    public const ulong DataBytes = 0x3000;
    public const ulong Counter = 0x4_8000;
    public const ulong FaultHandler = 0xA000;

    /// <summary>Where the pages are that the code's are exchanged for, from where the code's are: the same code with
    /// <see cref="OtherMark"/> in it instead of <see cref="Mark"/>.</summary>
    public const ulong ToOtherCode = 0x30_0000;
    public const uint Mark = 0x1111_1111;
    public const uint OtherMark = 0x2222_2222;

    private const int LoopsMax = 30;
    private const int BodyMax = 40;
    private const int FunctionCount = 3;

    private static readonly string[] s_tests = ["Bt", "Bts", "Btr", "Btc"];
    private static readonly int[] s_sizes = [8, 16, 32, 64];

    private readonly Random _random;
    private readonly LockstepInstructions _one;
    private readonly List<Instruction> _instructions = [];
    private readonly List<int> _functions = [];

    /// <param name="random">What it is made of.</param>
    public LockstepProgram(Random random)
    {
        _random = random;
        _one = new LockstepInstructions(random);
    }

    /// <summary>The program's bytes for its place in memory.</summary>
    public byte[] Encode()
    {
        Append(Instruction.Create(Code.Mov_rm32_imm32, At(Counter), _random.Next(1, LoopsMax)));
        int bodyStart = _instructions.Count;
        int length = _random.Next(3, BodyMax);
        for (int count = 0; count < length; count++)
        {
            AppendRandom();
        }

        Append(Instruction.Create(Code.Dec_rm32, At(Counter)));
        Append(Instruction.CreateBranch(Code.Jne_rel32_64, Number(bodyStart)));
        Append(Instruction.Create(Code.Hlt));
        AppendFunctions();
        CodeWriterImpl writer = new();
        InstructionBlock block = new(writer, Resolved(), TestGuest.CodeStart);
        return BlockEncoder.TryEncode(64, block, out string? error, out _)
            ? [.. writer.Bytes]
            : throw new InvalidOperationException(error);
    }

    private static ulong Number(int index) => (ulong)index + 1;

    private void Append(Instruction instruction)
    {
        instruction.IP = Number(_instructions.Count);
        _instructions.Add(instruction);
    }

    /// <summary>Jumps forward may have gone past the end; calls name functions by negative numbers.</summary>
    private List<Instruction> Resolved()
    {
        List<Instruction> all = [];
        foreach (Instruction made in _instructions)
        {
            Instruction instruction = made;
            if (instruction.Op0Kind == OpKind.NearBranch64 && (long)instruction.NearBranch64 < 0)
            {
                instruction.NearBranch64 = Number(_functions[(int)-(long)instruction.NearBranch64 - 1]);
            }
            else if (instruction.IsIPRelativeMemoryOperand && (long)instruction.MemoryDisplacement64 < 0)
            {
                int function = (int)-(long)instruction.MemoryDisplacement64 - 1;
                instruction.MemoryDisplacement64 = Number(_functions[function]);
            }

            all.Add(instruction);
        }

        return all;
    }

    private void AppendFunctions()
    {
        for (int function = 0; function < FunctionCount; function++)
        {
            if (function > 0)
            {
                AppendPadding();
            }

            _functions.Add(_instructions.Count);
            Append(Instruction.Create(Code.Mov_r32_imm32, Register.R15D, Mark));
            for (int count = _random.Next(4); count > 0; count--)
            {
                AppendStraight();
            }

            for (int callee = function + 1; callee < FunctionCount; callee++)
            {
                if (_random.Next(2) == 0)
                {
                    Append(Instruction.CreateBranch(Code.Call_rel32_64, (ulong)-(callee + 1)));
                }
            }

            AppendReturn();
        }
    }

    private void AppendReturn()
    {
        switch (_random.Next(8))
        {
            case 0:
                Append(Instruction.Create(Code.Retnq_imm16, 0));
                break;
            case 1:
                // Not by RET.
                Append(Instruction.Create(Code.Pop_r64, Register.RDI));
                Append(Instruction.Create(Code.Jmp_rm64, Register.RDI));
                break;
            default:
                Append(Instruction.Create(Code.Retnq));
                break;
        }
    }

    /// <summary>To what follows, by a RET without a CALL.</summary>
    private void AppendReturnWithoutCall()
    {
        MemoryOperand next = new(Register.RIP, (long)Number(_instructions.Count + 3), 8);
        Append(Instruction.Create(Code.Lea_r64_m, Register.RDI, next));
        Append(Instruction.Create(Code.Push_r64, Register.RDI));
        Append(Instruction.Create(Code.Retnq));
        Append(Instruction.Create(Code.Nopd));
    }

    /// <summary>Another page of code, or the first one again, where a function was.</summary>
    private void AppendCodePageChange()
    {
        ulong page = (TestGuest.CodeStart >> 12) + (ulong)_random.Next(1, FunctionCount);
        ulong entry = GuestTables.PageTableOfFirst2M + (page * 8);
        ulong physical = (page << 12) + (_random.Next(2) == 0 ? ToOtherCode : 0);
        Append(Instruction.Create(Code.Mov_rm8_imm8, At(entry + 2), (uint)(byte)(physical >> 16)));
        if (_random.Next(2) == 0)
        {
            Append(Instruction.Create(Code.Invlpg_m, At(page << 12)));
            return;
        }

        Append(Instruction.Create(Code.Mov_r64_cr, Register.RDI, Register.CR3));
        Append(Instruction.Create(Code.Mov_cr_r64, Register.CR3, Register.RDI));
    }

    /// <summary>So that what follows is in another page.</summary>
    private void AppendPadding()
    {
        for (int count = 0; count < 300; count++)
        {
            Append(Instruction.CreateDeclareByte([.. Enumerable.Repeat((byte)0xCC, 16)]));
        }
    }

    private void AppendRandom()
    {
        int index = _instructions.Count;
        switch (_random.Next(26))
        {
            case 0:
                string condition = _one.Condition();
                AppendJump(Of($"J{condition}_rel32_64"), index);
                break;
            case 1:
                AppendJump(Code.Jmp_rel32_64, index);
                break;
            case 2:
                Append(Instruction.CreateBranch(Code.Call_rel32_64, (ulong)-_random.Next(1, FunctionCount + 1)));
                break;
            case 3:
                MemoryOperand target = new(Register.RIP, -_random.Next(1, FunctionCount + 1), 8);
                Register pointer = _one.Wide();
                Append(Instruction.Create(Code.Lea_r64_m, pointer, target));
                Append(Instruction.Create(Code.Call_rm64, pointer));
                break;
            case 4:
                AppendPush();
                break;
            case 5:
                AppendCodeStore();
                break;
            case 6:
                AppendPageChange();
                break;
            case 7:
                AppendRepeated();
                break;
            case 8:
                AppendRoundingChange();
                break;
            case 9:
                AppendDivision();
                break;
            case 10:
                AppendBitOfString();
                break;
            case 11:
                Append(Instruction.Create(Code.Pushfq));
                Append(_one.Next());
                Append(Instruction.Create(Code.Pop_r64, _one.Wide()));
                break;
            case 12:
                AppendReturnWithoutCall();
                break;
            case 13:
                AppendCodePageChange();
                break;
            default:
                AppendStraight();
                break;
        }
    }

    /// <summary>A move or a fill of some of the data.</summary>
    private void AppendRepeated()
    {
        Append(Instruction.Create(Code.Mov_r32_imm32, Register.ECX, _random.Next(70)));
        foreach (Register pointer in (ReadOnlySpan<Register>)[Register.RDI, Register.RSI])
        {
            ulong start = DataStart + (ulong)_random.Next((int)DataBytes - 600);
            Append(Instruction.Create(Code.Mov_r64_imm64, pointer, start));
        }

        Append(_random.Next(4) switch
        {
            0 => Instruction.CreateRepMovsb(64),
            1 => Instruction.CreateRepMovsq(64),
            2 => Instruction.CreateRepStosb(64),
            _ => Instruction.CreateRepStosq(64),
        });
    }

    private void AppendBitOfString()
    {
        int size = _random.Next(2) == 0 ? 32 : 64;
        Register index = _one.Any(size);
        Append(Instruction.Create(Of($"And_rm{size}_imm32"), index, 0xFFFF));
        if (_random.Next(2) == 0)
        {
            Append(Instruction.Create(Of($"Sub_rm{size}_imm32"), index, 0x4000));
        }

        Code test = Of($"{s_tests[_random.Next(4)]}_rm{size}_r{size}");
        Append(Instruction.Create(test, At(DataStart + 0x1000), index));
    }

    /// <summary>Mostly one that succeeds: #DE ends the program.</summary>
    private void AppendDivision()
    {
        int size = _random.Next(2) == 0 ? 32 : 64;
        bool isSigned = _random.Next(2) == 0;
        if (_random.Next(50) != 0)
        {
            Append(Instruction.Create(Of($"Or_rm{size}_imm8"), _one.Any(size), 1));
            Register divisor = _instructions[^1].Op0Register;
            Append(isSigned
                ? Instruction.Create(size == 32 ? Code.Cdq : Code.Cqo)
                : Instruction.Create(Code.Xor_r32_rm32, Register.EDX, Register.EDX));
            if (divisor.GetFullRegister() != Register.RDX)
            {
                Append(Instruction.Create(Of($"{(isSigned ? "Idiv" : "Div")}_rm{size}"), divisor));
            }

            return;
        }

        Append(Instruction.Create(Of($"{(isSigned ? "Idiv" : "Div")}_rm{size}"), _one.Data()));
    }

    /// <summary>Another MXCSR: mostly with all exceptions masked, since one that is not ends the program.</summary>
    private void AppendRoundingChange()
    {
        const int AllMasked = 0x1F80;
        const int RoundingAndZeros = 0xE040;
        int value = (_random.Next(0x1_0000) & RoundingAndZeros) | (_random.Next(20) == 0 ? 0x1000 : AllMasked);
        Append(Instruction.Create(Code.Mov_rm32_imm32, At(DataStart), value));
        Append(Instruction.Create(Code.Ldmxcsr_m32, At(DataStart)));
    }

    private void AppendJump(Code code, int index)
    {
        int over = _random.Next(1, 4);
        Append(Instruction.CreateBranch(code, Number(index + 1 + over)));
        for (int count = 0; count < over; count++)
        {
            Append(_one.Next());
        }
    }

    private void AppendPush()
    {
        Append(_random.Next(2) == 0
            ? Instruction.Create(Code.Push_r64, _one.Wide())
            : Instruction.Create(Code.Pushq_imm32, _random.Next(int.MinValue, int.MaxValue)));
        AppendStraight();
        Append(Instruction.Create(Code.Pop_r64, _one.Wide()));
    }

    /// <summary>A store into the immediate of an instruction behind it.</summary>
    private void AppendCodeStore()
    {
        if (_random.Next(4) != 0)
        {
            AppendStraight();
            return;
        }

        // NOP (1 byte), the store (3 bytes), the MOV's opcode, its immediate.
        MemoryOperand code = new(Register.RIP, (long)Number(_instructions.Count + 1), 8);
        Register pointer = Register.RDI;
        Append(Instruction.Create(Code.Lea_r64_m, pointer, code));
        Append(Instruction.Create(Code.Nopd));
        var store = Instruction.Create(
            Code.Mov_rm8_r8, new MemoryOperand(pointer, Register.None, 1, 5, 1), Register.AL);
        Append(store);
        Append(Instruction.Create(Code.Mov_r32_imm32, Register.EBX, 0x1234_5678));
    }

    /// <summary>A page of data is unmapped, or made read-only; the handler of the fault that follows undoes
    /// it.</summary>
    private void AppendPageChange()
    {
        if (_random.Next(4) != 0)
        {
            AppendStraight();
            return;
        }

        ulong page = (DataStart >> 12) + (ulong)_random.Next(3);
        ulong entry = GuestTables.PageTableOfFirst2M + (page * 8);
        byte bits = _random.Next(2) == 0 ? (byte)0x66 : (byte)0x65;
        Append(Instruction.Create(Code.Mov_rm8_imm8, At(entry), (uint)bits));
        Append(Instruction.Create(Code.Invlpg_m, At(page << 12)));
    }

    private void AppendStraight()
    {
        if (_random.Next(3) == 0)
        {
            // An address in a register, some way into the data.
            int size = s_sizes[_random.Next(4)];
            Register register = size == 8 ? Register.RAX + _random.Next(4) : _one.Wide();
            Append(Instruction.Create(Code.And_rm32_imm32, Low32(register), 0x1FFF));
            MemoryOperand operand = new(register, Register.None, 1, (long)DataStart, 8);
            Append(_random.Next(2) == 0
                ? Instruction.Create(Of($"Mov_r{size}_rm{size}"), _one.Any(size), operand)
                : Instruction.Create(Of($"{_one.Binary()}_rm{size}_r{size}"), operand, _one.Any(size)));
            return;
        }

        Append(_one.Next());
    }

    private sealed class CodeWriterImpl : CodeWriter
    {
        public List<byte> Bytes { get; } = [];

        public override void WriteByte(byte value) => Bytes.Add(value);
    }
}
