// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Benchmarks.Engine.Guests;

/// <summary>More code than an inner loop has: 200 functions that are called in turn, and 10 MiB of code in a straight
/// line.</summary>
internal static class LargeCode
{
    public const int Seed = 20_261_123;

    private const int Functions = 200;
    private const int FunctionInstructions = 60;

    /// <summary>The straight line is this piece, again and again.</summary>
    private const int PieceInstructions = 65_536;

    private const int LineBytes = 10 << 20;

    private static readonly AssemblerRegister64[] s_registers =
        [rbx, rcx, rdx, rsi, rdi, r8, r9, r10, r11, r12];

    private static readonly Lazy<byte[]> s_piece = new(AssemblePiece);

    public static IReadOnlyList<GuestProgram> All { get; } =
    [
        new("large", EmitFunctions, new GuestRounds(10, 3_000, 20_000), 2),
        new("cold", EmitLine, new GuestRounds(0, Pieces, Pieces), 1) { IsRunOnce = true },
    ];

    private static uint Pieces => (uint)(LineBytes / s_piece.Value.Length);

    private static void EmitFunctions(Assembler a, uint rounds)
    {
        RandomCode code = new(a, Seed);
        Label round = a.CreateLabel();
        Label end = a.CreateLabel();
        var functions = new Label[Functions];
        EmitStart(a);
        a.mov(r15d, rounds);
        a.Label(ref round);
        for (int function = 0; function < Functions; function++)
        {
            functions[function] = a.CreateLabel();
            a.call(functions[function]);
        }

        a.dec(r15d);
        a.jnz(round);
        a.jmp(end);
        for (int function = 0; function < Functions; function++)
        {
            a.Label(ref functions[function]);
            code.EmitFunction(FunctionInstructions);
            a.ret();
        }

        a.Label(ref end);
        EmitSum(a);
    }

    /// <param name="rounds">How many pieces of the line are run: its last ones.</param>
    private static void EmitLine(Assembler a, uint rounds)
    {
        byte[] piece = s_piece.Value;
        Label line = a.CreateLabel();
        EmitStart(a);
        a.lea(r15, __[line]);
        a.add(r15, (int)(Pieces - rounds) * piece.Length);
        a.jmp(r15);
        a.Label(ref line);
        for (uint repeated = 0; repeated < Pieces; repeated++)
        {
            a.db(piece);
        }

        EmitSum(a);
    }

    private static byte[] AssemblePiece()
    {
        Assembler a = new(bitness: 64);
        new RandomCode(a, Seed).EmitLine(PieceInstructions);
        using MemoryStream code = new();
        _ = a.Assemble(new StreamCodeWriter(code), rip: 0);
        return code.ToArray();
    }

    private static void EmitStart(Assembler a)
    {
        a.mov(eax, Seed);
        a.mov(r14d, GuestLayout.Data);
        foreach (AssemblerRegister64 register in s_registers)
        {
            a.imul(rax, rax, 0x5851_F42D);
            a.add(rax, 0x140_57B7);
            a.mov(register, rax);
        }
    }

    private static void EmitSum(Assembler a)
    {
        foreach (AssemblerRegister64 register in s_registers)
        {
            a.rol(rax, 7);
            a.add(rax, register);
        }
    }
}
