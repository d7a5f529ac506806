// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;

namespace KvmActors.Cpu.Tests.Translate;

/// <summary>Random instructions without jumps, and what they are put together from.</summary>
internal sealed class LockstepInstructions
{
    /// <summary>One instruction in so many is a vector's, in programs in which these are not rare.</summary>
    private const int OftenVectors = 3;

    private static readonly string[] s_binary = ["Add", "Or", "Adc", "Sbb", "And", "Sub", "Xor", "Cmp"];
    private static readonly string[] s_unary = ["Inc", "Dec", "Neg", "Not"];
    private static readonly string[] s_shifts = ["Shl", "Shr", "Sar", "Rol", "Ror", "Rcl", "Rcr"];
    private static readonly string[] s_conditions =
        ["o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"];

    private static readonly string[] s_counts = ["Popcnt", "Tzcnt", "Lzcnt"];
    private static readonly string[] s_tests = ["Bt", "Bts", "Btr", "Btc"];
    private static readonly Code[] s_flags = [Code.Clc, Code.Stc, Code.Cmc, Code.Cld, Code.Cli];

    private static readonly int[] s_sizes = [8, 16, 32, 64];

    private readonly Random _random;
    private readonly LockstepVectors _vectors;
    private readonly int _vectorShare;

    /// <param name="random">What they are made of.</param>
    public LockstepInstructions(Random random)
    {
        _random = random;
        _vectors = new LockstepVectors(random, Any);
        _vectorShare = random.Next(2) == 0 ? OftenVectors : 40;
    }

    /// <summary>One of them.</summary>
    public Instruction Next()
    {
        if (_random.Next(_vectorShare) == 0)
        {
            return _vectors.Next();
        }

        int size = s_sizes[_random.Next(4)];
        int wide = size == 8 ? 32 : size;
        string condition = Condition();
        return _random.Next(28) switch
        {
            0 or 1 or 2 => Two($"{Binary()}_r{size}_rm{size}", size),
            3 or 4 => Instruction.Create(Of($"{Binary()}_rm{size}_r{size}"), Data(), Any(size)),
            5 => Instruction.Create(Of($"{Binary()}_rm{wide}_imm8"), Any(wide), _random.Next(-128, 128)),
            6 => Instruction.Create(Of($"{Binary()}_rm{wide}_imm8"), Data(), _random.Next(-128, 128)),
            7 => Instruction.Create(Of($"{s_unary[_random.Next(4)]}_rm{size}"), Any(size)),
            8 => Instruction.Create(Of($"{s_unary[_random.Next(4)]}_rm{size}"), Data()),
            9 or 10 => Instruction.Create(Of($"{Shift()}_rm{size}_imm8"), Any(size), (uint)_random.Next(70)),
            11 => Instruction.Create(Of($"{Shift()}_rm{size}_CL"), Any(size), Register.CL),
            12 => Two($"Imul_r{wide}_rm{wide}", wide),
            13 => Instruction.Create(Of($"{(_random.Next(2) == 0 ? "Mul" : "Imul")}_rm{size}"), Any(size)),
            14 => Instruction.Create(
                Of($"Mov{(_random.Next(2) == 0 ? "zx" : "sx")}_r{wide}_rm8"), Any(wide), LowByte()),
            15 => Instruction.Create(Of($"Mov_rm{size}_r{size}"), Data(), Any(size)),
            16 => Instruction.Create(Of($"Mov_r{size}_rm{size}"), Any(size), Data()),
            17 => Instruction.Create(Of($"Set{condition}_rm8"), Byte()),
            18 => Two($"Cmov{condition}_r{wide}_rm{wide}", wide),
            19 => Instruction.Create(Code.Lea_r64_m, Wide(), new MemoryOperand(Wide(), Wide(), 4, 0x77, 1)),
            20 => Two($"Bt_rm{wide}_r{wide}", wide),
            21 => Two($"Test_rm{size}_r{size}", size),
            22 => Two(_random.Next(2) == 0 ? $"Xchg_rm{size}_r{size}" : $"Mov_r{size}_rm{size}", size),
            23 => Instruction.Create(
                Of($"Mov_r{wide}_imm{wide}"), Any(wide), (ulong)_random.NextInt64() >> (64 - wide)),
            24 => Instruction.Create(_random.Next(2) == 0 ? Code.Cqo : Code.Cdq),
            25 or 26 => Rare(wide),
            _ => WithoutForm(),
        };
    }

    private Instruction Rare(int wide) => _random.Next(18) switch
    {
        0 => Instruction.Create(Of($"Cmpxchg_rm{wide}_r{wide}"), Data(), Any(wide)),
        1 => Instruction.Create(Code.Cmpxchg_rm8_r8, Data(), Byte()),
        2 => Instruction.Create(Of($"Xadd_rm{wide}_r{wide}"), Data(), Any(wide)),
        3 => Instruction.Create(Code.Xadd_rm8_r8, Data(), Byte()),
        4 => Instruction.Create(Of($"Xchg_rm{wide}_r{wide}"), Data(), Any(wide)),
        5 => Instruction.Create(Code.Xchg_rm8_r8, Data(), Byte()),
        6 => Instruction.Create(Of($"Bswap_r{wide}"), Any(wide)),
        7 => Two($"Bs{(_random.Next(2) == 0 ? "f" : "r")}_r{wide}_rm{wide}", wide),
        8 => Instruction.Create(Of($"Bsf_r{wide}_rm{wide}"), Any(wide), Data()),
        9 => Two($"{s_counts[_random.Next(3)]}_r{wide}_rm{wide}", wide),
        10 => Two($"{s_tests[_random.Next(4)]}_rm{wide}_r{wide}", wide),
        11 => Instruction.Create(Of($"{s_tests[_random.Next(4)]}_rm{wide}_imm8"), Data(), (uint)_random.Next(256)),
        12 => Instruction.Create(Of($"{s_tests[_random.Next(4)]}_rm{wide}_imm8"), Any(wide), (uint)_random.Next(256)),
        13 => Instruction.Create(
            Of($"{Double()}_rm{wide}_r{wide}_imm8"), Any(wide), Any(wide), _random.Next(70)),
        14 => Instruction.Create(Of($"{Shift()}_rm{wide}_imm8"), Data(), (uint)_random.Next(70)),
        15 => Instruction.Create(Of($"{Shift()}_rm8_imm8"), Data(), (uint)_random.Next(20)),
        16 => Instruction.Create(Of($"{Double()}_rm{wide}_r{wide}_CL"), Any(wide), Any(wide), Register.CL),
        _ => Instruction.Create(s_flags[_random.Next(s_flags.Length)]),
    };

    private Instruction WithoutForm() => _random.Next(6) switch
    {
        0 => Instruction.Create(Code.Lahf),
        1 => Instruction.Create(Code.Sahf),
        2 => Instruction.Create(Code.Rcl_rm8_CL, Byte(), Register.CL),
        3 => Instruction.Create(Code.Fld1),
        4 => Instruction.Create(Code.Bts_rm16_r16, Data(), Any(16)),
        _ => Instruction.Create(Code.Movbe_r64_m64, Wide(), Data()),
    };

    public static Code Of(string name) => Enum.Parse<Code>(name, ignoreCase: true);

    private Instruction Two(string code, int size) => Instruction.Create(Of(code), Any(size), Any(size));

    public string Binary() => s_binary[_random.Next(s_binary.Length)];

    /// <summary>As in the names of SETcc and its kin.</summary>
    public string Condition() => s_conditions[_random.Next(16)];

    private string Double() => _random.Next(2) == 0 ? "Shld" : "Shrd";

    private string Shift() => s_shifts[_random.Next(s_shifts.Length)];

    public static MemoryOperand At(ulong address) => new(Register.RIP, (long)address, 8);

    public MemoryOperand Data() =>
        At(LockstepProgram.DataStart + (ulong)_random.Next((int)LockstepProgram.DataBytes));

    private Register Byte() => Any(8);

    private Register LowByte() => Register.AL + _random.Next(4);

    public Register Wide() => Any(64);

    public static Register Low32(Register register) => Register.EAX + (register - Register.RAX);

    /// <summary>Any general register but that of the stack. Of bytes those that need no REX prefix, which AH to BH do
    /// not go with.</summary>
    public Register Any(int size)
    {
        if (size == 8)
        {
            return Register.AL + _random.Next(8);
        }

        int number;
        do
        {
            number = _random.Next(16);
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
}
