// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Tests.Execute;

namespace KvmActors.Cpu.Tests.Translate;

/// <summary>A random 64-bit program: a loop of integer instructions with jumps, calls near, far and through registers,
/// stores into its own code, pages that come and go, and instructions the translator has no form for.</summary>
/// <param name="random">What it is made of.</param>
internal sealed class LockstepProgram(Random random)
{
    public const ulong DataStart = 0x4_0000;
    public const ulong DataBytes = 0x3000;
    public const ulong Counter = 0x4_8000;
    public const ulong FaultHandler = 0xA000;

    private const int LoopsMax = 30;
    private const int BodyMax = 40;
    private const int FunctionCount = 3;

    private static readonly string[] s_binary = ["Add", "Or", "Adc", "Sbb", "And", "Sub", "Xor", "Cmp"];
    private static readonly string[] s_unary = ["Inc", "Dec", "Neg", "Not"];
    private static readonly string[] s_shifts = ["Shl", "Shr", "Sar", "Rol", "Ror", "Rcl", "Rcr"];
    private static readonly string[] s_conditions =
        ["o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"];

    private static readonly int[] s_sizes = [8, 16, 32, 64];

    private readonly List<Instruction> _instructions = [];
    private readonly List<int> _functions = [];

    /// <summary>The program's bytes for its place in memory.</summary>
    public byte[] Encode()
    {
        Append(Instruction.Create(Code.Mov_rm32_imm32, Memory(Counter), random.Next(1, LoopsMax)));
        int bodyStart = _instructions.Count;
        int length = random.Next(3, BodyMax);
        for (int count = 0; count < length; count++)
        {
            AppendRandom();
        }

        Append(Instruction.Create(Code.Dec_rm32, Memory(Counter)));
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
            if (function == 1)
            {
                AppendPadding();
            }

            _functions.Add(_instructions.Count);
            for (int count = random.Next(4); count > 0; count--)
            {
                AppendStraight();
            }

            Append(random.Next(4) == 0
                ? Instruction.Create(Code.Retnq_imm16, 0)
                : Instruction.Create(Code.Retnq));
        }
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
        switch (random.Next(24))
        {
            case 0:
                string condition = s_conditions[random.Next(16)];
                AppendJump(Of($"J{condition}_rel32_64"), index);
                break;
            case 1:
                AppendJump(Code.Jmp_rel32_64, index);
                break;
            case 2:
                Append(Instruction.CreateBranch(Code.Call_rel32_64, (ulong)-random.Next(1, FunctionCount + 1)));
                break;
            case 3:
                MemoryOperand target = new(Register.RIP, -random.Next(1, FunctionCount + 1), 8);
                Register pointer = Wide();
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
            default:
                AppendStraight();
                break;
        }
    }

    private void AppendJump(Code code, int index)
    {
        int over = random.Next(1, 4);
        Append(Instruction.CreateBranch(code, Number(index + 1 + over)));
        for (int count = 0; count < over; count++)
        {
            AppendOne();
        }
    }

    private void AppendPush()
    {
        Append(random.Next(2) == 0
            ? Instruction.Create(Code.Push_r64, Wide())
            : Instruction.Create(Code.Pushq_imm32, random.Next(int.MinValue, int.MaxValue)));
        AppendStraight();
        Append(Instruction.Create(Code.Pop_r64, Wide()));
    }

    /// <summary>A store into the immediate of an instruction behind it.</summary>
    private void AppendCodeStore()
    {
        if (random.Next(4) != 0)
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
        if (random.Next(4) != 0)
        {
            AppendStraight();
            return;
        }

        ulong page = (DataStart >> 12) + (ulong)random.Next(3);
        ulong entry = GuestTables.PageTableOfFirst2M + (page * 8);
        byte bits = random.Next(2) == 0 ? (byte)0x66 : (byte)0x65;
        Append(Instruction.Create(Code.Mov_rm8_imm8, Memory(entry), (uint)bits));
        Append(Instruction.Create(Code.Invlpg_m, Memory(page << 12)));
    }

    private void AppendStraight()
    {
        if (random.Next(3) == 0)
        {
            // An address in a register, some way into the data.
            int size = s_sizes[random.Next(4)];
            Register register = size == 8 ? Register.RAX + random.Next(4) : Wide();
            Append(Instruction.Create(Code.And_rm32_imm32, Low32(register), 0x1FFF));
            MemoryOperand operand = new(register, Register.None, 1, (long)DataStart, 8);
            Append(random.Next(2) == 0
                ? Instruction.Create(Of($"Mov_r{size}_rm{size}"), Any(size), operand)
                : Instruction.Create(Of($"{Binary()}_rm{size}_r{size}"), operand, Any(size)));
            return;
        }

        AppendOne();
    }

    private void AppendOne()
    {
        int size = s_sizes[random.Next(4)];
        int wide = size == 8 ? 32 : size;
        string condition = s_conditions[random.Next(16)];
        Append(random.Next(26) switch
        {
            0 or 1 or 2 => Two($"{Binary()}_r{size}_rm{size}", size),
            3 or 4 => Instruction.Create(Of($"{Binary()}_rm{size}_r{size}"), Data(), Any(size)),
            5 => Instruction.Create(Of($"{Binary()}_rm{wide}_imm8"), Any(wide), random.Next(-128, 128)),
            6 => Instruction.Create(Of($"{Binary()}_rm{wide}_imm8"), Data(), random.Next(-128, 128)),
            7 => Instruction.Create(Of($"{s_unary[random.Next(4)]}_rm{size}"), Any(size)),
            8 => Instruction.Create(Of($"{s_unary[random.Next(4)]}_rm{size}"), Data()),
            9 or 10 => Instruction.Create(Of($"{Shift()}_rm{size}_imm8"), Any(size), (uint)random.Next(70)),
            11 => Instruction.Create(Of($"{Shift()}_rm{size}_CL"), Any(size), Register.CL),
            12 => Two($"Imul_r{wide}_rm{wide}", wide),
            13 => Instruction.Create(Of($"{(random.Next(2) == 0 ? "Mul" : "Imul")}_rm{size}"), Any(size)),
            14 => Instruction.Create(Of($"Mov{(random.Next(2) == 0 ? "zx" : "sx")}_r{wide}_rm8"), Any(wide), LowByte()),
            15 => Instruction.Create(Of($"Mov_rm{size}_r{size}"), Data(), Any(size)),
            16 => Instruction.Create(Of($"Mov_r{size}_rm{size}"), Any(size), Data()),
            17 => Instruction.Create(Of($"Set{condition}_rm8"), Byte()),
            18 => Two($"Cmov{condition}_r{wide}_rm{wide}", wide),
            19 => Instruction.Create(Code.Lea_r64_m, Wide(), new MemoryOperand(Wide(), Wide(), 4, 0x77, 1)),
            20 => Two($"Bt_rm{wide}_r{wide}", wide),
            21 => Two($"Test_rm{size}_r{size}", size),
            22 => Two($"Xchg_rm{size}_r{size}", size),
            23 => Instruction.Create(Of($"Mov_r{wide}_imm{wide}"), Any(wide), (ulong)random.NextInt64() >> (64 - wide)),
            24 => Instruction.Create(random.Next(2) == 0 ? Code.Cqo : Code.Cdq),
            _ => WithoutForm(),
        });
    }

    private Instruction WithoutForm() => random.Next(6) switch
    {
        0 => Instruction.Create(Code.Cmpxchg_rm64_r64, Data(), Wide()),
        1 => Instruction.Create(Code.Xadd_rm32_r32, Data(), Any(32)),
        2 => Instruction.Create(Code.Lahf),
        3 => Instruction.Create(Code.Cmc),
        4 => Instruction.Create(Code.Stc),
        _ => Instruction.Create(Code.Bswap_r64, Wide()),
    };

    private static Code Of(string name) => Enum.Parse<Code>(name, ignoreCase: true);

    private Instruction Two(string code, int size) => Instruction.Create(Of(code), Any(size), Any(size));

    private string Binary() => s_binary[random.Next(s_binary.Length)];

    private string Shift() => s_shifts[random.Next(s_shifts.Length)];

    private static MemoryOperand Memory(ulong address) => new(Register.RIP, (long)address, 8);

    private MemoryOperand Data() => Memory(DataStart + (ulong)random.Next((int)DataBytes));

    private Register Byte() => Any(8);

    private Register LowByte() => Register.AL + random.Next(4);

    private Register Wide() => Any(64);

    private static Register Low32(Register register) => Register.EAX + (register - Register.RAX);

    /// <summary>Any general register but that of the stack. Of bytes those that need no REX prefix, which AH to BH do
    /// not go with.</summary>
    private Register Any(int size)
    {
        if (size == 8)
        {
            return Register.AL + random.Next(8);
        }

        int number;
        do
        {
            number = random.Next(16);
        }
        while (number == (int)Cpu.State.Gpr.Rsp);
        Register first = size switch
        {
            16 => Register.AX,
            32 => Register.EAX,
            _ => Register.RAX,
        };
        return first + number;
    }

    private sealed class CodeWriterImpl : CodeWriter
    {
        public List<byte> Bytes { get; } = [];

        public override void WriteByte(byte value) => Bytes.Add(value);
    }
}
