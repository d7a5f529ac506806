// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.State;

/// <summary>Index of a segment register in <see cref="VcpuState.Segments"/>: the order of the encoding, then LDTR, TR.
/// </summary>
public enum SegmentName : byte
{
    Es = 0,
    Cs = 1,
    Ss = 2,
    Ds = 3,
    Fs = 4,
    Gs = 5,
    Ldtr = 6,
    Tr = 7,
}
