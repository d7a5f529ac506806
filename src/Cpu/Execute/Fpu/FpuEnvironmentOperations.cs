// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Float;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Fpu;

// JUSTIFICATION: see CpuState.
// SAFETY: see FpuImage and FpuBlock.

/// <summary>FLDENV, FNSTENV, FRSTOR, FNSAVE.</summary>
/// <remarks>Source: Intel SDM vol. 2, of each instruction; vol. 1, sections 8.1.10 and 8.1.11.</remarks>
internal static unsafe class FpuEnvironmentOperations
{
    private const int RegisterBytes = 10;
    private const int StackBytes = 8 * RegisterBytes;
    private const ushort AllMasked = 0x3F;

    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Fldenv, &LoadEnvironment);
        table.Add(Mnemonic.Fnstenv, &StoreEnvironment);
        table.Add(Mnemonic.Frstor, &Restore);
        table.Add(Mnemonic.Fnsave, &Save);
    }

    private static Outcome LoadEnvironment(CpuState* state, Uop* uop)
    {
        Span<byte> image = stackalloc byte[EnvironmentBytes(uop)];
        if (!FpuAvailability.MayWait(state) || !TryRead(state, uop, image))
        {
            return Outcome.NotRetired;
        }

        FpuEnvironment.Read(state, image, IsReal(state));
        return Outcome.Next;
    }

    private static Outcome StoreEnvironment(CpuState* state, Uop* uop)
    {
        Span<byte> image = stackalloc byte[EnvironmentBytes(uop)];
        if (!FpuAvailability.IsThere(state))
        {
            return Outcome.NotRetired;
        }

        FpuEnvironment.Write(state, image, IsReal(state));
        if (!TryWrite(state, uop, image))
        {
            return Outcome.NotRetired;
        }

        FpuImage.SetControl(state, (ushort)(FpuImage.Control(state) | AllMasked));
        return Outcome.Next;
    }

    private static Outcome Restore(CpuState* state, Uop* uop)
    {
        int environment = EnvironmentBytes(uop);
        Span<byte> image = stackalloc byte[environment + StackBytes];
        if (!FpuAvailability.MayWait(state) || !TryRead(state, uop, image))
        {
            return Outcome.NotRetired;
        }

        FpuEnvironment.Read(state, image[..environment], IsReal(state));
        for (int place = 0; place < 8; place++)
        {
            ReadOnlySpan<byte> register = image[(environment + (place * RegisterBytes))..];
            FpuImage.Overwrite(state, place, new Float80(
                BinaryPrimitives.ReadUInt16LittleEndian(register[8..]),
                BinaryPrimitives.ReadUInt64LittleEndian(register)));
        }

        return Outcome.Next;
    }

    private static Outcome Save(CpuState* state, Uop* uop)
    {
        int environment = EnvironmentBytes(uop);
        Span<byte> image = stackalloc byte[environment + StackBytes];
        if (!FpuAvailability.IsThere(state))
        {
            return Outcome.NotRetired;
        }

        FpuEnvironment.Write(state, image[..environment], IsReal(state));
        for (int place = 0; place < 8; place++)
        {
            Float80 value = FpuImage.Read(state, place);
            Span<byte> register = image[(environment + (place * RegisterBytes))..];
            BinaryPrimitives.WriteUInt64LittleEndian(register, value.Significand);
            BinaryPrimitives.WriteUInt16LittleEndian(register[8..], value.Top);
        }

        if (!TryWrite(state, uop, image))
        {
            return Outcome.NotRetired;
        }

        FpuImage.Initialize(state);
        return Outcome.Next;
    }

    private static int EnvironmentBytes(Uop* uop) =>
        uop->SizeLog == 1 ? FpuEnvironment.Bytes16 : FpuEnvironment.Bytes32;

    private static bool IsReal(CpuState* state) => !ModeControl.IsProtected(state);

    private static bool TryRead(CpuState* state, Uop* uop, Span<byte> into) =>
        FpuBlock.TryResolve(state, uop, into.Length, AccessKind.Read, out ulong linear)
        && FpuBlock.TryRead(state, uop, linear, 1 << uop->SizeLog, into);

    private static bool TryWrite(CpuState* state, Uop* uop, ReadOnlySpan<byte> from) =>
        FpuBlock.TryResolve(state, uop, from.Length, AccessKind.Write, out ulong linear)
        && FpuBlock.CanWrite(state, uop, linear, 1 << uop->SizeLog, from.Length)
        && FpuBlock.TryWrite(state, uop, linear, 1 << uop->SizeLog, from);
}
