// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;
using Iced.Intel;
using KvmActors.Cpu.Tests.Fpu;
using KvmActors.Cpu.Tests.Simd;

namespace KvmActors.Cpu.Tests.Silicon.Vectors;

// JUSTIFICATION: words as bytes, for what compares FXSAVE images.
// SAFETY: spans keep their bounds.

/// <summary>The instructions whose results are each maker's own, within limits: whole results of them are recorded, and
/// compared as the live tests compare them.</summary>
internal static class VectorTolerance
{
    public static bool IsMakersOwn(Mnemonic mnemonic) => IsApproximate(mnemonic) || IsTranscendental(mnemonic);

    public static bool IsTranscendental(Mnemonic mnemonic) => mnemonic is
        Mnemonic.Fsin or Mnemonic.Fcos or Mnemonic.Fsincos or Mnemonic.Fptan or Mnemonic.Fpatan
        or Mnemonic.F2xm1 or Mnemonic.Fyl2x or Mnemonic.Fyl2xp1;

    /// <summary>Makes equal what may differ; false if the manuals define no result for these inputs at all.</summary>
    public static bool TryUnify(
        VectorShape shape, in Instruction instruction, MachineImage before, MachineImage expected, MachineImage found)
    {
        byte[] first = FxBytes(expected);
        byte[] second = FxBytes(found);
        SiliconCase made = new()
        {
            Instructions = [instruction],
            Bits = shape.Bits,
            Bytes = shape.Bytes,
            Address = shape.Address,
            Gprs = [],
            RFlags = before.Flags,
            Data = [],
            Stack = [],
            FxState = FxBytes(before),
            UndefinedFlags = 0,
        };
        if (IsApproximate(instruction.Mnemonic))
        {
            MakersOwn.Unify(made, first, second);
        }
        else if (!FpuTolerance.IsDefined(made))
        {
            return false;
        }
        else
        {
            FpuTolerance.Forgive(first, second);
        }

        MemoryMarshal.Cast<byte, ulong>(second)[..MachineImage.FxCount]
            .CopyTo(found.Words.AsSpan(MachineImage.Fx));
        return true;
    }

    private static bool IsApproximate(Mnemonic mnemonic) => mnemonic is
        Mnemonic.Rcpps or Mnemonic.Rcpss or Mnemonic.Rsqrtps or Mnemonic.Rsqrtss or Mnemonic.Dpps or Mnemonic.Dppd;

    private static byte[] FxBytes(MachineImage image)
    {
        byte[] bytes = new byte[SiliconLayout.FxStateBytes];
        MemoryMarshal.AsBytes(image.Words.AsSpan(MachineImage.Fx, MachineImage.FxCount)).CopyTo(bytes);
        return bytes;
    }
}
