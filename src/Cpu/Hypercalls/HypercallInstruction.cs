// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Cpu.Hypercalls;

/// <summary>A VMCALL or VMMCALL found in guest code.</summary>
/// <param name="NativeTo">The vendor whose hardware exits on it.</param>
/// <param name="OpcodeOffset">Bytes of prefixes in front of the opcode.</param>
/// <remarks>Source: Intel SDM vol. 3C, "VMCALL" (NP 0F 01 C1: 66, F2 and F3 are #UD); AMD APM vol. 3, "VMMCALL"
/// (0F 01 D9). LOCK is #UD on both. That 66, F2 and F3 are #UD on VMMCALL too is our own rule, so that both
/// instructions are one to the guest. Segment overrides, 67 and REX change nothing.</remarks>
internal readonly record struct HypercallInstruction(HostVendor NativeTo, int OpcodeOffset)
{
    public const int OpcodeBytes = 3;

    /// <summary>Longest instruction the architecture allows.</summary>
    public const int LengthMax = 15;

    private static readonly ImmutableArray<byte> s_vmcall = [0x0F, 0x01, 0xC1];
    private static readonly ImmutableArray<byte> s_vmmcall = [0x0F, 0x01, 0xD9];

    public int Length => OpcodeOffset + OpcodeBytes;

    public ImmutableArray<byte> Opcode => OpcodeFor(NativeTo);

    public static ImmutableArray<byte> OpcodeFor(HostVendor vendor) => vendor switch
    {
        HostVendor.Intel => s_vmcall,
        HostVendor.Amd => s_vmmcall,
    };

    /// <summary>Looks at the bytes at RIP.</summary>
    /// <param name="code">The bytes; may end too early.</param>
    /// <param name="is64Bit">True if 40 to 4F are REX prefixes.</param>
    /// <param name="found">The instruction, if there is one.</param>
    /// <returns>True if the bytes decide it; false if more are needed.</returns>
    public static bool TryDecide(ReadOnlySpan<byte> code, bool is64Bit, out HypercallInstruction? found)
    {
        found = null;
        int offset = 0;
        while (offset < code.Length)
        {
            byte current = code[offset];
            if (current is 0x66 or 0xF0 or 0xF2 or 0xF3)
            {
                return true;
            }

            bool prefix = current is 0x26 or 0x2E or 0x36 or 0x3E or 0x64 or 0x65 or 0x67
                || (is64Bit && current is >= 0x40 and <= 0x4F);
            if (!prefix)
            {
                break;
            }

            offset++;
        }

        if (offset + OpcodeBytes > LengthMax)
        {
            return true;
        }

        return DecideOpcode(code[offset..], offset, out found);
    }

    private static bool DecideOpcode(ReadOnlySpan<byte> rest, int offset, out HypercallInstruction? found)
    {
        found = null;
        ReadOnlySpan<byte> opcode = rest[..Math.Min(rest.Length, OpcodeBytes)];
        if (opcode.SequenceEqual(s_vmcall.AsSpan()))
        {
            found = new HypercallInstruction(HostVendor.Intel, offset);
        }
        else if (opcode.SequenceEqual(s_vmmcall.AsSpan()))
        {
            found = new HypercallInstruction(HostVendor.Amd, offset);
        }

        // Both start with 0F 01: anything else is decided by the first byte that differs.
        return opcode.Length == OpcodeBytes || !s_vmcall.AsSpan().StartsWith(opcode);
    }
}
