// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.Names;

/// <summary>How the bits of a field are to be read.</summary>
public enum CpuidFieldForm
{
    Number,
    Hexadecimal,

    /// <summary>A count, stored less one.</summary>
    PlusOne,

    /// <summary>Four characters, the first in the lowest byte.</summary>
    Text,

    /// <summary>Some values have words.</summary>
    Words,
}
