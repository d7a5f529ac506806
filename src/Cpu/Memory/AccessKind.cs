// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Memory;

/// <summary>What a translation is for.</summary>
internal enum AccessKind : byte
{
    Read = 0,
    Write = 1,
    Fetch = 2,
}
