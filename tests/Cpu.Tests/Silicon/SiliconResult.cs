// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Tests.Silicon;

/// <summary>What an instruction left behind.</summary>
/// <param name="Rip">Behind the instruction, or where a taken branch leads.</param>
internal sealed record SiliconResult(ulong Rip, ulong[] Gprs, ulong RFlags, byte[] Data, byte[] Stack)
{
    // CF, PF, AF, ZF, SF, DF, OF.
    public const ulong ComparedFlags = 0xCD5;

    /// <summary>The FXSAVE64 image; empty if the case has none.</summary>
    public byte[] FxState { get; init; } = [];

    /// <summary>What is different, in words; null if nothing is.</summary>
    public string? DifferenceTo(SiliconResult found, ulong undefinedFlags)
    {
        if (Rip != found.Rip)
        {
            return $"expected RIP {Rip:x}, found {found.Rip:x}";
        }

        for (int register = 0; register < Gprs.Length; register++)
        {
            if (Gprs[register] != found.Gprs[register])
            {
                return $"expected {(Gpr)register} {Gprs[register]:x}, found {found.Gprs[register]:x}";
            }
        }

        ulong compared = ComparedFlags & ~undefinedFlags;
        if (((RFlags ^ found.RFlags) & compared) != 0)
        {
            return $"expected flags {RFlags & compared:x}, found {found.RFlags & compared:x} (of {compared:x})";
        }

        return Bytes("data", Data, found.Data) ?? Bytes("stack", Stack, found.Stack);
    }

    private static string? Bytes(string where, byte[] expected, byte[] found)
    {
        int at = expected.AsSpan().CommonPrefixLength(found);
        return at == expected.Length
            ? null
            : $"expected {where} byte {at} {expected[at]:x2}, found {found[at]:x2}";
    }
}
