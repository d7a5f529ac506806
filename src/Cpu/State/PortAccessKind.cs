// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.State;

internal enum PortAccessKind : byte
{
    None = 0,
    Read = 1,
    Write = 2,
}
