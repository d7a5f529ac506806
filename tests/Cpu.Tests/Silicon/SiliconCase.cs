// SPDX-License-Identifier: Apache-2.0

using System.Text;
using Iced.Intel;

namespace KvmActors.Cpu.Tests.Silicon;

/// <summary>One instruction with everything it can see.</summary>
internal sealed class SiliconCase
{
    public required Instruction Instruction { get; init; }

    public required byte[] Bytes { get; init; }

    public required ulong Address { get; init; }

    public required ulong[] Gprs { get; init; }

    public required ulong RFlags { get; init; }

    public required byte[] Data { get; init; }

    public required byte[] Stack { get; init; }

    /// <summary>Flags that the manuals leave undefined here.</summary>
    public required ulong UndefinedFlags { get; init; }

    public ulong Next => Address + (ulong)Bytes.Length;

    public ulong Taken => Address + SiliconLayout.TakenOffset;

    public override string ToString()
    {
        StringBuilder text = new();
        text.Append($"{Instruction} [{Convert.ToHexString(Bytes)}] at {Address:x} flags {RFlags:x}");
        for (int register = 0; register < Gprs.Length; register++)
        {
            text.Append($" {(KvmActors.Cpu.State.Gpr)register}={Gprs[register]:x}");
        }

        return text.ToString();
    }
}
