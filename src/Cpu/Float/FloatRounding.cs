// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Float;

/// <summary>Where a result goes that cannot be represented, as MXCSR[14:13] and FCW[11:10] have it.</summary>
internal enum FloatRounding : byte
{
    /// <summary>To the nearer neighbour; to the even one from halfway.</summary>
    Nearest = 0,
    Down = 1,
    Up = 2,
    Zero = 3,
}
