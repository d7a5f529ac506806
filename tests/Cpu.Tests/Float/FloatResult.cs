// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Tests.Float;

internal enum FloatResult
{
    Xmm32,
    Xmm64,
    Rax32,
    Rax64,
    Flags,
}
