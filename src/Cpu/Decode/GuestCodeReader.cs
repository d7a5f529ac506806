// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;

namespace KvmActors.Cpu.Decode;

// JUSTIFICATION: the decoder reads code where it lies, in guest RAM, without a copy a block.
// SAFETY: the caller gives a start and an end inside one page of RAM or inside its own buffer.

/// <summary>Feeds the decoder from memory.</summary>
internal sealed unsafe class GuestCodeReader : CodeReader
{
    private byte* _next;
    private byte* _end;

    public void Reset(byte* start, byte* end)
    {
        _next = start;
        _end = end;
    }

    public override int ReadByte() => _next < _end ? *_next++ : -1;
}
