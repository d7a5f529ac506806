// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Translate;

/// <summary>What else an <see cref="ExitRecord"/> says.</summary>
[Flags]
internal enum ExitFlags : byte
{
    None = 0,
    IsChosen = 1,
    HasSimd = 2,
}
