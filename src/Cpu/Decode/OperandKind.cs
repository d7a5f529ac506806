// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Decode;

internal enum OperandKind : byte
{
    None = 0,
    Register = 1,
    Memory = 2,
    Immediate = 3,
}
