// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.State;

namespace KvmActors.Host.Debug;

/// <summary>One register as gdb is told of it.</summary>
/// <param name="Type">A type that gdb knows, or that <see cref="TargetDescription"/> defines.</param>
/// <param name="Group">In which of gdb's groups it is shown; null: where its type belongs.</param>
/// <param name="Read">Puts its <paramref name="Bits"/> / 8 bytes, the lowest first.</param>
internal sealed record GuestRegister(string Name, int Bits, string Type, string? Group, GuestRegister.Reader Read)
{
    public delegate void Reader(VcpuState state, Span<byte> destination);

    public int SizeBytes => Bits / 8;

    /// <summary>A register that is a number; what does not fit its bits is cut off.</summary>
    public static GuestRegister Number(
        string name, int bits, string type, Func<VcpuState, ulong> value, string? group = null) =>
        new(name, bits, type, group, (state, destination) =>
        {
            ulong left = value(state);
            for (int i = 0; i < destination.Length; i++)
            {
                destination[i] = (byte)left;
                left >>= 8;
            }
        });

    /// <summary>A register that lies in the FXSAVE image.</summary>
    public static GuestRegister InFxSave(string name, int bits, string type, int offset, string? group = null) =>
        new(name, bits, type, group, (state, destination) =>
            state.FxSave.AsSpan().Slice(offset, destination.Length).CopyTo(destination));
}
