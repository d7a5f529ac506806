// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Translate;

/// <summary>Condition codes as encoded: the low four bits of Jcc, SETcc and CMOVcc.</summary>
internal static class HostCondition
{
    public const int Overflow = 0;
    public const int Carry = 2;
    public const int NotCarry = 3;
    public const int Zero = 4;
    public const int NotZero = 5;
    public const int BelowOrEqual = 6;
    public const int Sign = 8;
    public const int NotSign = 9;
    public const int Parity = 10;
    public const int Less = 12;
    public const int LessOrEqual = 14;
}
