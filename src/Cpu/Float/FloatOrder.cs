// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Float;

/// <summary>How the first of two numbers compares with the second.</summary>
internal enum FloatOrder
{
    Less,
    Equal,
    Greater,

    /// <summary>One of them is a NaN, or an encoding that is not a number.</summary>
    Unordered,
}
