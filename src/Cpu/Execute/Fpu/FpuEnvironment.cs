// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using KvmActors.Cpu.Float;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Fpu;

// JUSTIFICATION: see CpuState.
// SAFETY: see FpuImage.

/// <summary>The x87 environment in its four layouts: 16 or 32 bits, real or protected.</summary>
/// <remarks>Selectors are 0, and in the real layouts the pointers are offsets, since the segments are not kept. Source:
/// Intel SDM vol. 1, section 8.1.10, figures 8-9 to 8-12.</remarks>
internal static unsafe class FpuEnvironment
{
    public const int Bytes16 = 14;
    public const int Bytes32 = 28;
    private const int Fields = 7;
    private const uint OpcodeMask = 0x7FF;

    // Upper halves that nothing uses are ones: of control, status and tag word, and of the last selector.
    private const uint Unused = 0xFFFF_0000;

    public static void Write(CpuState* state, Span<byte> into, bool isReal)
    {
        bool is32Bit = into.Length == Bytes32;
        ulong instruction = FpuImage.InstructionPointer(state);
        ulong data = FpuImage.DataPointer(state);
        uint opcode = FpuImage.Opcode(state);
        ReadOnlySpan<uint> fields =
        [
            FpuImage.Control(state) | Unused,
            FpuImage.Status(state) | Unused,
            TagWord(state) | Unused,
            isReal ? (ushort)instruction : (uint)instruction,
            isReal ? High(instruction, is32Bit) | opcode : is32Bit ? opcode << 16 : 0,
            isReal ? (ushort)data : (uint)data,
            isReal ? High(data, is32Bit) : Unused,
        ];
        for (int field = 0; field < Fields; field++)
        {
            if (is32Bit)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(into[(4 * field)..], fields[field]);
            }
            else
            {
                BinaryPrimitives.WriteUInt16LittleEndian(into[(2 * field)..], (ushort)fields[field]);
            }
        }
    }

    public static void Read(CpuState* state, ReadOnlySpan<byte> from, bool isReal)
    {
        bool is32Bit = from.Length == Bytes32;
        Span<uint> fields = stackalloc uint[Fields];
        for (int field = 0; field < Fields; field++)
        {
            fields[field] = is32Bit
                ? BinaryPrimitives.ReadUInt32LittleEndian(from[(4 * field)..])
                : BinaryPrimitives.ReadUInt16LittleEndian(from[(2 * field)..]);
        }

        SetStatus(state, (ushort)fields[1]);
        SetTagWord(state, (ushort)fields[2]);
        FpuImage.SetControl(state, (ushort)fields[0]);
        FpuImage.InstructionPointer(state) = isReal ? Join(fields[3], fields[4], is32Bit) : fields[3];
        FpuImage.DataPointer(state) = isReal ? Join(fields[5], fields[6], is32Bit) : fields[5];
        uint opcode = isReal ? fields[4] : is32Bit ? fields[4] >> 16 : 0;
        FpuImage.Opcode(state) = (ushort)(opcode & OpcodeMask);
    }

    /// <summary>A new status word: another top finds other registers at its places.</summary>
    private static void SetStatus(CpuState* state, ushort status)
    {
        int top = (status & FpuStatus.Top) >> FpuStatus.TopShift;
        FpuImage.Rotate(state, top - FpuImage.Top(state));
        FpuImage.Status(state) = status;
    }

    /// <summary>Two bits a register: 0 valid, 1 zero, 2 special, 3 empty.</summary>
    private static uint TagWord(CpuState* state)
    {
        uint tags = 0;
        for (int place = 0; place < 8; place++)
        {
            int register = (FpuImage.Top(state) + place) & 7;
            tags |= (FpuImage.IsEmpty(state, place) ? 3u : TagOf(FpuImage.Read(state, place))) << (2 * register);
        }

        return tags;
    }

    private static uint TagOf(Float80 value) =>
        value.IsZero ? 1u : value.IsNumber && !value.IsDenormal ? 0u : 2u;

    private static void SetTagWord(CpuState* state, ushort word)
    {
        int tags = 0;
        for (int register = 0; register < 8; register++)
        {
            tags |= (word >> (2 * register) & 3) != 3 ? 1 << register : 0;
        }

        FpuImage.Tags(state) = (byte)tags;
    }

    /// <summary>The upper bits of an address where the real layouts have them: from bit 12.</summary>
    private static uint High(ulong pointer, bool is32Bit) =>
        (uint)(pointer >> 16 & (is32Bit ? 0xFFFFu : 0xFu)) << 12;

    private static ulong Join(uint low, uint high, bool is32Bit) =>
        (ushort)low | ((high >> 12 & (is32Bit ? 0xFFFFu : 0xFu)) << 16);
}
