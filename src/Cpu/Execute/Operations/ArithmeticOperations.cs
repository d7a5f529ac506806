// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: operands are reached through GeneralOperand.

/// <summary>Multiplication, division, and the conversions that go with them.</summary>
/// <remarks>Undefined flags: MUL and IMUL set SF, ZF and PF by the low half of the product and clear AF; DIV and IDIV
/// leave all flags alone. Source: Intel SDM vol. 2, "MUL", "IMUL", "DIV", "IDIV", "CBW", "CWD".</remarks>
internal static unsafe class ArithmeticOperations
{
    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Mul, &Multiply);
        table.Add(Mnemonic.Imul, &MultiplySigned);
        table.Add(Mnemonic.Div, &Divide);
        table.Add(Mnemonic.Idiv, &DivideSigned);
        table.Add(Mnemonic.Cbw, &ExtendAccumulator);
        table.Add(Mnemonic.Cwde, &ExtendAccumulator);
        table.Add(Mnemonic.Cdqe, &ExtendAccumulator);
        table.Add(Mnemonic.Cwd, &ExtendIntoRdx);
        table.Add(Mnemonic.Cdq, &ExtendIntoRdx);
        table.Add(Mnemonic.Cqo, &ExtendIntoRdx);
    }

    private static Outcome Multiply(CpuState* state, Uop* uop)
    {
        if (!GeneralOperand.TryReadDestination(state, uop, out ulong right))
        {
            return Outcome.NotRetired;
        }

        int bits = GeneralOperand.Bits(uop);
        ulong left = GeneralOperand.Cut(state->Rax, bits);
        UInt128 product = (UInt128)left * right;
        ulong low = GeneralOperand.Cut((ulong)product, bits);
        ulong high = (ulong)(product >> bits);
        StoreProduct(state, bits, low, high);
        ulong result = (ulong)GeneralOperand.Extend(low, bits);
        LazyFlags.Set(state, result, GeneralOperand.Shape(uop), carry: high != 0, overflow: high != 0);
        return Outcome.Next;
    }

    private static Outcome MultiplySigned(CpuState* state, Uop* uop)
    {
        if (uop->SourceKind != OperandKind.None)
        {
            return MultiplyIntoRegister(state, uop);
        }

        if (!GeneralOperand.TryReadDestination(state, uop, out ulong right))
        {
            return Outcome.NotRetired;
        }

        int bits = GeneralOperand.Bits(uop);
        Int128 product = (Int128)GeneralOperand.Extend(state->Rax, bits) * GeneralOperand.Extend(right, bits);
        ulong low = GeneralOperand.Cut((ulong)product, bits);
        StoreProduct(state, bits, low, GeneralOperand.Cut((ulong)(product >> bits), bits));
        SetProductFlags(state, uop, product);
        return Outcome.Next;
    }

    private static Outcome MultiplyIntoRegister(CpuState* state, Uop* uop)
    {
        if (!GeneralOperand.TryReadSource(state, uop, out ulong source))
        {
            return Outcome.NotRetired;
        }

        int bits = GeneralOperand.Bits(uop);
        ulong other = uop->ThirdKind == OperandKind.Immediate
            ? uop->Immediate
            : RegisterFile.Read(state, uop->Destination, GeneralOperand.Bytes(uop));
        Int128 product = (Int128)GeneralOperand.Extend(source, bits) * GeneralOperand.Extend(other, bits);
        RegisterFile.Write(state, uop->Destination, GeneralOperand.Bytes(uop), (ulong)product);
        SetProductFlags(state, uop, product);
        return Outcome.Next;
    }

    private static void SetProductFlags(CpuState* state, Uop* uop, Int128 product)
    {
        long low = GeneralOperand.Extend((ulong)product, GeneralOperand.Bits(uop));
        bool isCut = product != low;
        LazyFlags.Set(state, (ulong)low, GeneralOperand.Shape(uop), carry: isCut, overflow: isCut);
    }

    private static void StoreProduct(CpuState* state, int bits, ulong low, ulong high)
    {
        if (bits == 8)
        {
            *(ushort*)&state->Rax = (ushort)(low | (high << 8));
            return;
        }

        RegisterFile.Write(state, RaxOffset, bits / 8, low);
        RegisterFile.Write(state, RdxOffset, bits / 8, high);
    }

    private static Outcome Divide(CpuState* state, Uop* uop)
    {
        if (!GeneralOperand.TryReadDestination(state, uop, out ulong divisor))
        {
            return Outcome.NotRetired;
        }

        int bits = GeneralOperand.Bits(uop);
        UInt128 dividend = LoadDividend(state, bits);
        if (divisor == 0 || dividend >> bits >= divisor)
        {
            return Faults.Raise(state, Faults.DivideError);
        }

        UInt128 quotient;
        UInt128 remainder;
        if (dividend >> 64 == 0)
        {
            (quotient, remainder) = Math.DivRem((ulong)dividend, divisor);
        }
        else
        {
            (quotient, remainder) = UInt128.DivRem(dividend, divisor);
        }

        StoreQuotient(state, bits, (ulong)quotient, (ulong)remainder);
        return Outcome.Next;
    }

    private static Outcome DivideSigned(CpuState* state, Uop* uop)
    {
        if (!GeneralOperand.TryReadDestination(state, uop, out ulong operand))
        {
            return Outcome.NotRetired;
        }

        int bits = GeneralOperand.Bits(uop);
        int unused = 128 - (2 * bits);
        Int128 dividend = (Int128)(LoadDividend(state, bits) << unused) >> unused;
        Int128 divisor = GeneralOperand.Extend(operand, bits);
        if (divisor == 0)
        {
            return Faults.Raise(state, Faults.DivideError);
        }

        // By magnitude: the most negative dividend by -1 overflows Int128 itself.
        UInt128 magnitude = Magnitude(dividend) / Magnitude(divisor);
        bool isNegative = dividend < 0 != divisor < 0;
        UInt128 most = (UInt128)1 << (bits - 1);
        if (isNegative ? magnitude > most : magnitude >= most)
        {
            return Faults.Raise(state, Faults.DivideError);
        }

        UInt128 quotient = isNegative ? UInt128.Zero - magnitude : magnitude;
        UInt128 remainder = (UInt128)dividend - (quotient * (UInt128)divisor);
        StoreQuotient(state, bits, (ulong)quotient, (ulong)remainder);
        return Outcome.Next;
    }

    private static UInt128 Magnitude(Int128 value) => value < 0 ? UInt128.Zero - (UInt128)value : (UInt128)value;

    private static UInt128 LoadDividend(CpuState* state, int bits) => bits == 8
        ? (ushort)state->Rax
        : ((UInt128)GeneralOperand.Cut(state->Rdx, bits) << bits) | GeneralOperand.Cut(state->Rax, bits);

    private static void StoreQuotient(CpuState* state, int bits, ulong quotient, ulong remainder)
    {
        if (bits == 8)
        {
            *(ushort*)&state->Rax = (ushort)((byte)quotient | ((byte)remainder << 8));
            return;
        }

        RegisterFile.Write(state, RaxOffset, bits / 8, quotient);
        RegisterFile.Write(state, RdxOffset, bits / 8, remainder);
    }

    private static Outcome ExtendAccumulator(CpuState* state, Uop* uop)
    {
        int bits = GeneralOperand.Bits(uop);
        long extended = GeneralOperand.Extend(state->Rax, bits / 2);
        RegisterFile.Write(state, RaxOffset, bits / 8, (ulong)extended);
        return Outcome.Next;
    }

    private static Outcome ExtendIntoRdx(CpuState* state, Uop* uop)
    {
        int bits = GeneralOperand.Bits(uop);
        long sign = GeneralOperand.Extend(state->Rax, bits) >> 63;
        RegisterFile.Write(state, RdxOffset, bits / 8, (ulong)sign);
        return Outcome.Next;
    }

    private const byte RaxOffset = 0;
    private const byte RdxOffset = 16;
}
