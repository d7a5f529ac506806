// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Debugging;

/// <summary>Instructions as text, in Intel's syntax. Not thread-safe.</summary>
public sealed class Disassembler
{
    /// <summary>Bytes that an instruction has at most.</summary>
    public const int InstructionBytesMax = BlockBuilder.InstructionBytesMax;

    private readonly byte[] _code = new byte[InstructionBytesMax];
    private readonly StringOutput _output = new();
    private readonly IntelFormatter _formatter = new(new FormatterOptions
    {
        HexPrefix = "0x",
        HexSuffix = "",
        UppercaseHex = false,
        SmallHexNumbersInDecimal = true,
        SpaceAfterOperandSeparator = true,
        SpaceBetweenMemoryAddOperators = true,
        BranchLeadingZeros = false,
        DisplacementLeadingZeros = false,
        RipRelativeAddresses = false,
    });

    /// <summary>Reads the instruction that code begins with.</summary>
    /// <param name="code">Any length; what is behind the instruction is not looked at.</param>
    /// <param name="mode">Of the vCPU before it.</param>
    /// <param name="rip">Where it is: addresses that are relative to it are shown absolute.</param>
    public DisassembledInstruction Read(ReadOnlySpan<byte> code, CpuMode mode, ulong rip)
    {
        int length = Math.Min(code.Length, _code.Length);
        code[..length].CopyTo(_code);
        int bitness = BitnessOf(mode);
        var decoder = Decoder.Create(bitness, new ByteArrayCodeReader(_code, 0, length), rip);
        decoder.Decode(out Instruction instruction);
        if (instruction.IsInvalid)
        {
            return new DisassembledInstruction(length == 0 ? 0 : Math.Max(1, instruction.Length), "(bad)", "(bad)");
        }

        _formatter.Format(instruction, _output);
        string text = _output.ToStringAndReset();
        _formatter.FormatMnemonic(instruction, _output, FormatMnemonicOptions.NoPrefixes);
        return new DisassembledInstruction(instruction.Length, _output.ToStringAndReset(), text);
    }

    private static int BitnessOf(CpuMode mode) => mode switch
    {
        CpuMode.Real16 or CpuMode.Virtual8086 or CpuMode.Protected16 or CpuMode.Compatibility16 => 16,
        CpuMode.Real32 or CpuMode.Protected32 or CpuMode.Compatibility32 => 32,
        CpuMode.Long64 => 64,
    };
}
