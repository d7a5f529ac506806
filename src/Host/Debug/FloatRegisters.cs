// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using KvmActors.Cpu.State;

namespace KvmActors.Host.Debug;

/// <summary>The x87 and SSE registers that gdb wants, out of the FXSAVE64 image.</summary>
/// <remarks>Source: Intel SDM vol. 1, section 10.5.1 "FXSAVE Area" and table 8-2 "Tag word".</remarks>
internal static class FloatRegisters
{
    private const int ControlOffset = 0;
    private const int StatusOffset = 2;
    private const int TagOffset = 4;
    private const int OpcodeOffset = 6;
    private const int InstructionOffset = 8;
    private const int DataOffset = 16;
    private const int MxcsrOffset = 24;
    private const int StackOffset = 32;
    private const int XmmOffset = 160;
    private const int PlaceBytes = 16;
    private const int StackPlaces = 8;

    /// <summary>ST(0) to ST(7), and the control registers in the order that gdb demands.</summary>
    public static IEnumerable<GuestRegister> X87()
    {
        for (int i = 0; i < StackPlaces; i++)
        {
            yield return GuestRegister.InFxSave($"st{i}", 80, "i387_ext", StackOffset + (PlaceBytes * i));
        }

        yield return Control("fctrl", state => Word(state, ControlOffset));
        yield return Control("fstat", state => Word(state, StatusOffset));
        yield return Control("ftag", TagWord);
        yield return Control("fiseg", state => DoubleWord(state, InstructionOffset + 4));
        yield return Control("fioff", state => DoubleWord(state, InstructionOffset));
        yield return Control("foseg", state => DoubleWord(state, DataOffset + 4));
        yield return Control("fooff", state => DoubleWord(state, DataOffset));
        yield return Control("fop", state => Word(state, OpcodeOffset));
    }

    public static IEnumerable<GuestRegister> Sse(int count) =>
        Enumerable.Range(0, count)
            .Select(i => GuestRegister.InFxSave($"xmm{i}", 128, "vec128", XmmOffset + (PlaceBytes * i)))
            .Append(GuestRegister.InFxSave("mxcsr", 32, "i386_mxcsr", MxcsrOffset, "vector"));

    private static GuestRegister Control(string name, Func<VcpuState, ulong> value) =>
        GuestRegister.Number(name, 32, "int", value, "float");

    /// <summary>The image has one bit for each physical register, set where it is not empty; the tag word has two, with
    /// what is in it.</summary>
    private static ulong TagWord(VcpuState state)
    {
        const ulong Empty = 3;
        int top = (int)(Word(state, StatusOffset) >> 11) & 7;
        ulong abridged = state.FxSave[TagOffset];
        ulong tags = 0;
        for (int physical = 0; physical < StackPlaces; physical++)
        {
            int place = (physical - top) & 7;
            bool isEmpty = ((abridged >> physical) & 1) == 0;
            tags |= (isEmpty ? Empty : TagOf(state, place)) << (2 * physical);
        }

        return tags;
    }

    private static ulong TagOf(VcpuState state, int place)
    {
        const ulong Valid = 0;
        const ulong Zero = 1;
        const ulong Special = 2;
        ReadOnlySpan<byte> image = state.FxSave.AsSpan()[(StackOffset + (PlaceBytes * place))..];
        ulong significand = BinaryPrimitives.ReadUInt64LittleEndian(image);
        int exponent = BinaryPrimitives.ReadUInt16LittleEndian(image[8..]) & 0x7FFF;
        bool hasIntegerBit = significand >> 63 != 0;
        return exponent == 0 && significand == 0 ? Zero
            : exponent is 0 or 0x7FFF || !hasIntegerBit ? Special
            : Valid;
    }

    private static ulong Word(VcpuState state, int offset) =>
        BinaryPrimitives.ReadUInt16LittleEndian(state.FxSave.AsSpan()[offset..]);

    private static ulong DoubleWord(VcpuState state, int offset) =>
        BinaryPrimitives.ReadUInt32LittleEndian(state.FxSave.AsSpan()[offset..]);
}
