// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Decode;

/// <summary>How much work it is to form a memory operand's linear address.</summary>
internal enum AddressForm : byte
{
    /// <summary>64-bit mode, 64-bit address size, a segment whose base counts as 0: base + index + displacement.
    /// </summary>
    Flat = 0,

    /// <summary>64-bit mode with a 32-bit address size, or with the base of FS or GS.</summary>
    Based = 1,

    /// <summary>Any other mode: segment base and limit count.</summary>
    Segmented = 2,
}
