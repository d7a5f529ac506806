// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Translate;

/// <summary>Opcodes the emitter is given. Two-byte opcodes are 0F in the high byte. Of a pair for bytes and for wider
/// operands this is the wider one; the other is one less.</summary>
/// <remarks>Source: Intel SDM vol. 2D, appendix A "Opcode Map".</remarks>
internal static class HostOpcode
{
    public const int MoveToRm = 0x89;
    public const int MoveFromRm = 0x8B;
    public const int Lea = 0x8D;
    public const int Test = 0x85;
    public const int MoveSignExtend32 = 0x63;
    public const int MultiplyInto = 0x0FAF;
    public const int MoveZeroExtend8 = 0x0FB6;
    public const int MoveZeroExtend16 = 0x0FB7;
    public const int MoveSignExtend8 = 0x0FBE;
    public const int MoveSignExtend16 = 0x0FBF;
    public const int ConditionalMove = 0x0F40;
    public const int SetByte = 0x0F90;
    public const int BitTest = 0x0FA3;
    public const int ScanForward = 0x0FBC;
    public const int ScanReverse = 0x0FBD;
    public const int CountOnes = 0x0FB8;
    public const int ExchangeAdd = 0x0FC1;
    public const int ShiftLeftDouble = 0x0FA4;
    public const int ShiftRightDouble = 0x0FAC;
    public const int SwapBytes = 0x0FC8;
    public const int MoveToXmm = 0x0F10;
    public const int MoveFromXmm = 0x0F11;
    public const int MxcsrGroup = 0x0FAE;

    // Groups: the instruction is in the register field.
    public const int ArithmeticImmediate = 0x81;
    public const int ArithmeticImmediate8 = 0x83;
    public const int ShiftImmediate = 0xC1;
    public const int ShiftByCl = 0xD3;
    public const int MoveImmediate = 0xC7;
    public const int Unary = 0xF7;
    public const int IncrementDecrement = 0xFF;
    public const int BitTestImmediate = 0x0FBA;
    public const int BitTestGroup = 4;

    // Two-operand arithmetic: times 8, plus 1 for "to r/m", plus 3 for "from r/m".
    public const int Add = 0;
    public const int Or = 1;
    public const int Adc = 2;
    public const int Sbb = 3;
    public const int And = 4;
    public const int Sub = 5;
    public const int Xor = 6;
    public const int Compare = 7;

    // Shifts.
    public const int RotateLeft = 0;
    public const int RotateRight = 1;
    public const int ShiftLeft = 4;
    public const int ShiftRight = 5;
    public const int ShiftArithmetic = 7;

    // Unary and increment groups.
    public const int Not = 2;
    public const int Negate = 3;
    public const int Multiply = 4;
    public const int MultiplySigned = 5;
    public const int Divide = 6;
    public const int DivideSigned = 7;
    public const int Increment = 0;
    public const int Decrement = 1;
    public const int JumpIndirect = 4;

    public static int ToRm(int operation) => (operation * 8) + 1;

    public static int FromRm(int operation) => (operation * 8) + 3;
}
