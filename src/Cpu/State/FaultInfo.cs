// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;

namespace KvmActors.Cpu.State;

/// <summary>A guest exception that was detected and not yet delivered.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FaultInfo
{
    public byte Vector;

    public bool HasErrorCode;

    public uint ErrorCode;

    /// <summary>What CR2 becomes, for #PF only.</summary>
    public ulong Address;
}
