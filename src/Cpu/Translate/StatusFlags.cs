// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Translate;

/// <summary>A set of status flags.</summary>
[Flags]
internal enum StatusFlags : byte
{
    None = 0,
    Carry = 1,
    Parity = 2,
    Auxiliary = 4,
    Zero = 8,
    Sign = 16,
    Overflow = 32,
    All = Carry | Parity | Auxiliary | Zero | Sign | Overflow,
}
