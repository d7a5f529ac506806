// SPDX-License-Identifier: Apache-2.0

using System.Text;
using Iced.Intel;

namespace KvmActors.Cpu.Tests.Silicon;

/// <summary>One instruction, or a run of them, with everything it can see.</summary>
internal sealed class SiliconCase
{
    public required IReadOnlyList<Instruction> Instructions { get; init; }

    /// <summary>64, 32 or 16: of the code segment. The base of a 16-bit segment is the block.</summary>
    public required int Bits { get; init; }

    public required byte[] Bytes { get; init; }

    /// <summary>RIP.</summary>
    public required ulong Address { get; init; }

    public required ulong[] Gprs { get; init; }

    public required ulong RFlags { get; init; }

    public required byte[] Data { get; init; }

    public required byte[] Stack { get; init; }

    /// <summary>The FXSAVE64 image of x87, MMX and SSE state; null for that after FNINIT, which is not compared then.
    /// </summary>
    public byte[]? FxState { get; init; }

    /// <summary>Flags that the manuals leave undefined here.</summary>
    public required ulong UndefinedFlags { get; init; }

    /// <summary>True for a run, however short.</summary>
    public bool IsRun { get; init; }

    public ulong Next => Address + (ulong)Bytes.Length;

    /// <summary>Where a taken branch leads to; null for a run, which ends behind its last instruction.</summary>
    public ulong? Taken => !IsRun ? Address + SiliconLayout.TakenOffset : null;

    public override string ToString()
    {
        StringBuilder text = new();
        text.Append(string.Join("; ", Instructions));
        text.Append($" [{Convert.ToHexString(Bytes)}], {Bits} bits, at {Address:x} flags {RFlags:x}");
        for (int register = 0; register < Gprs.Length; register++)
        {
            text.Append($" {(KvmActors.Cpu.State.Gpr)register}={Gprs[register]:x}");
        }

        return text.ToString();
    }
}
