// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;

namespace KvmActors.Cpu.Execute.Fpu;

/// <summary>The header of an XSAVE area, 64 bytes behind the legacy region.</summary>
/// <param name="Present">XSTATE_BV: components that are in the area; the others are in their initial state.</param>
/// <param name="Layout">XCOMP_BV: bit 63, the compacted format, and the components it has room for.</param>
/// <param name="ThirdIsZero">Bytes 23:16 are 0.</param>
/// <param name="RestIsZero">Bytes 63:24 are 0.</param>
/// <remarks>Source: Intel SDM vol. 1, sections 13.4.2, 13.8.1 and 13.12.</remarks>
internal readonly record struct XsaveHeader(ulong Present, ulong Layout, bool ThirdIsZero, bool RestIsZero)
{
    public const int Bytes = 64;

    public bool IsCompacted => (Layout & XsaveComponents.Compacted) != 0;

    public static XsaveHeader Read(ReadOnlySpan<byte> from) => new(
        BinaryPrimitives.ReadUInt64LittleEndian(from),
        BinaryPrimitives.ReadUInt64LittleEndian(from[8..]),
        !from[16..24].ContainsAnyExcept((byte)0),
        !from[24..Bytes].ContainsAnyExcept((byte)0));

    /// <summary>False if XRSTOR refuses the header.</summary>
    /// <param name="enabled">XCR0; for XRSTORS, IA32_XSS besides.</param>
    /// <param name="mayBeCompacted">The guest has XSAVEC or XSAVES.</param>
    public bool IsValid(ulong enabled, bool mayBeCompacted)
    {
        if (!IsCompacted)
        {
            return (Present & ~enabled) == 0 && Layout == 0 && ThirdIsZero;
        }

        ulong components = Layout & ~XsaveComponents.Compacted;
        return mayBeCompacted
            && (components & ~enabled) == 0
            && (Present & ~components) == 0
            && ThirdIsZero
            && RestIsZero;
    }
}
