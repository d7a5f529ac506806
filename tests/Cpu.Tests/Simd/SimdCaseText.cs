// SPDX-License-Identifier: Apache-2.0

using System.Text;
using Iced.Intel;
using KvmActors.Cpu.Tests.Silicon;

namespace KvmActors.Cpu.Tests.Simd;

/// <summary>A case with the vector registers that its instruction names.</summary>
internal static class SimdCaseText
{
    public static string Of(SiliconCase made)
    {
        StringBuilder text = new(made.ToString());
        byte[] image = made.FxState ?? FxStateImage.Initial();
        text.Append($" MXCSR={FxStateImage.MxcsrOf(image):x} XMM0={Text(FxStateImage.XmmOf(image, 0))}");
        Instruction instruction = made.Instructions[0];
        for (int operand = 0; operand < instruction.OpCount; operand++)
        {
            Register register = instruction.GetOpRegister(operand);
            if (instruction.GetOpKind(operand) == OpKind.Register && register.IsXMM())
            {
                text.Append($" {register}={Text(FxStateImage.XmmOf(image, register.GetNumber()))}");
            }
        }

        return text.ToString();
    }

    private static string Text(Span<byte> bytes)
    {
        byte[] reversed = bytes.ToArray();
        Array.Reverse(reversed);
        return Convert.ToHexString(reversed);
    }
}
