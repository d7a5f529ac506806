// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Operations;

// JUSTIFICATION: see CpuState.
// SAFETY: operands are reached through GeneralOperand, MemoryReference and LinearMemory.

/// <summary>BT, BTS, BTR, BTC, and the double shifts.</summary>
/// <remarks>BT and its kin change CF only. A 16-bit double shift by more than 16, which the manual leaves undefined,
/// shifts the three words destination, source, destination. Source: Intel SDM vol. 2, "BT", "BTC", "BTR", "BTS",
/// "SHLD",
/// "SHRD".</remarks>
internal static unsafe class BitTestOperations
{
    private enum Change
    {
        None,
        Set,
        Reset,
        Complement,
    }

    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Bt, &Test);
        table.Add(Mnemonic.Bts, &TestAndSet);
        table.Add(Mnemonic.Btr, &TestAndReset);
        table.Add(Mnemonic.Btc, &TestAndComplement);
        table.Add(Mnemonic.Shld, &ShiftLeftDouble);
        table.Add(Mnemonic.Shrd, &ShiftRightDouble);
    }

    private static Outcome Test(CpuState* state, Uop* uop) => Run(state, uop, Change.None);

    private static Outcome TestAndSet(CpuState* state, Uop* uop) => Run(state, uop, Change.Set);

    private static Outcome TestAndReset(CpuState* state, Uop* uop) => Run(state, uop, Change.Reset);

    private static Outcome TestAndComplement(CpuState* state, Uop* uop) => Run(state, uop, Change.Complement);

    private static Outcome Run(CpuState* state, Uop* uop, Change change)
    {
        int bits = GeneralOperand.Bits(uop);
        ulong index = uop->SourceKind == OperandKind.Register
            ? RegisterFile.Read(state, uop->Source, GeneralOperand.Bytes(uop))
            : uop->Immediate & (ulong)(bits - 1);
        int bit = (int)index & (bits - 1);
        if (uop->DestinationKind == OperandKind.Register)
        {
            ulong value = RegisterFile.Read(state, uop->Destination, bits / 8);
            LazyFlags.SetCarry(state, ((value >> bit) & 1) != 0);
            if (change != Change.None)
            {
                RegisterFile.Write(state, uop->Destination, bits / 8, Changed(value, bit, change));
            }

            return Outcome.Next;
        }

        // A bit index in a register reaches outside of the operand, in both directions.
        long skipped = (GeneralOperand.Extend(index, bits) >> Log2Of(bits)) * (bits / 8);
        return RunInMemory(state, uop, (ulong)skipped, bit, change);
    }

    private static Outcome RunInMemory(CpuState* state, Uop* uop, ulong skipped, int bit, Change change)
    {
        int bytes = GeneralOperand.Bytes(uop);
        ulong offset = MemoryReference.Cut(MemoryReference.Sum(state, uop) + skipped, uop->AddressBits);
        AccessKind access = change == Change.None ? AccessKind.Read : AccessKind.Write;
        bool loaded = MemoryReference.Resolve(state, uop->Segment, offset, bytes, access, out ulong linear)
            && (change == Change.None || LinearMemory.CheckWrite(state, linear, bytes, uop->Segment))
            && LinearMemory.Read(state, linear, bytes, uop->Segment);
        if (!loaded)
        {
            return Faults.Raised(state);
        }

        ulong value = state->Loaded;
        LazyFlags.SetCarry(state, ((value >> bit) & 1) != 0);
        if (change != Change.None)
        {
            LinearMemory.Write(state, linear, bytes, Changed(value, bit, change), uop->Segment);
        }

        return Outcome.Next;
    }

    private static int Log2Of(int bits) => System.Numerics.BitOperations.Log2((uint)bits);

    private static ulong Changed(ulong value, int bit, Change change) => change switch
    {
        Change.None => value,
        Change.Set => value | (1ul << bit),
        Change.Reset => value & ~(1ul << bit),
        Change.Complement => value ^ (1ul << bit),
    };

    private static Outcome ShiftLeftDouble(CpuState* state, Uop* uop) => ShiftDouble(state, uop, isLeft: true);

    private static Outcome ShiftRightDouble(CpuState* state, Uop* uop) => ShiftDouble(state, uop, isLeft: false);

    private static Outcome ShiftDouble(CpuState* state, Uop* uop, bool isLeft)
    {
        if (!GeneralOperand.TryReadForModify(state, uop, out ulong destination))
        {
            return Outcome.NotRetired;
        }

        int bits = GeneralOperand.Bits(uop);
        ulong amount = uop->ThirdKind == OperandKind.Register ? state->Rcx : uop->Immediate;
        int count = (int)amount & (bits == 64 ? 63 : 31);
        if (count == 0)
        {
            // No flag changes, but a 32-bit register is written all the same.
            GeneralOperand.TryWriteDestination(state, uop, destination);
            return Outcome.Next;
        }

        ulong source = RegisterFile.Read(state, uop->Source, bits / 8);
        (ulong result, bool carry) = isLeft
            ? Left(destination, source, count, bits)
            : Right(destination, source, count, bits);
        ulong extended = (ulong)GeneralOperand.Extend(result, bits);
        bool signChanged = (((result ^ destination) >> (bits - 1)) & 1) != 0;
        LazyFlags.Set(state, extended, GeneralOperand.Shape(uop), carry, overflow: signChanged);
        GeneralOperand.TryWriteDestination(state, uop, result);
        return Outcome.Next;
    }

    private static (ulong Result, bool Carry) Left(ulong destination, ulong source, int count, int bits)
    {
        int width = bits == 16 ? 48 : 2 * bits;
        UInt128 wide = ((UInt128)destination << bits) | source;
        wide = bits == 16 ? (wide << bits) | destination : wide;
        ulong result = GeneralOperand.Cut((ulong)(wide >> (width - bits - count)), bits);
        bool carry = ((wide >> (width - count)) & 1) != 0;
        return (result, carry);
    }

    private static (ulong Result, bool Carry) Right(ulong destination, ulong source, int count, int bits)
    {
        UInt128 wide = ((UInt128)source << bits) | destination;
        wide |= bits == 16 ? (UInt128)destination << 32 : 0;
        ulong result = GeneralOperand.Cut((ulong)(wide >> count), bits);
        bool carry = ((wide >> (count - 1)) & 1) != 0;
        return (result, carry);
    }
}
