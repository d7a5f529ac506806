// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;

namespace KvmActors.Cpu.State;

/// <summary>An IN, OUT, INS or OUTS that exited and waits for its completion. Not state of the guest: a vCPU that is
/// saved now executes the instruction again.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PortAccess
{
    public PortAccessKind Kind;
    public ushort Port;
    public byte SizeBytes;
    public byte InstructionBytes;

    /// <summary>INS or OUTS: address size in bits, which is also the size of the count register.</summary>
    public byte AddressBits;

    public bool IsString;
    public bool IsRepeated;

    /// <summary>OUT, OUTS: what is written.</summary>
    public uint Value;
}
