// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Decode;

/// <summary>From the decoder's register names to byte offsets in <see cref="CpuState"/>.</summary>
internal static class RegisterOffset
{
    private const int GprBytes = 8;
    private const int VectorBytes = 16;

    public static byte Of(Register register)
    {
        if (register is Register.None or Register.RIP or Register.EIP)
        {
            return CpuState.ZeroRegisterOffset;
        }

        if (register is >= Register.AH and <= Register.BH)
        {
            return (byte)(((register - Register.AH) * GprBytes) + 1);
        }

        return (byte)((register.GetFullRegister() - Register.RAX) * GprBytes);
    }

    /// <summary>Of an XMM or MMX register: from the first of its kind in the FXSAVE image.</summary>
    public static byte OfVector(Register register) => (byte)(register.GetNumber() * VectorBytes);

    public static SegmentName Segment(Register register) => register switch
    {
        Register.ES => SegmentName.Es,
        Register.CS => SegmentName.Cs,
        Register.SS => SegmentName.Ss,
        Register.FS => SegmentName.Fs,
        Register.GS => SegmentName.Gs,
        _ => SegmentName.Ds,
    };
}
