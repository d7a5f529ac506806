// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Tests.Silicon.Vectors;

/// <summary>Makes the machine before a vector from nothing but its shape and its number.</summary>
/// <remarks>Recorded results depend on every line of this: what changes here needs all vectors recorded again, and the
/// digest of the inputs, which is recorded too, says so.</remarks>
internal sealed class VectorInputs(VectorPools pools)
{
    private const ulong UserFlags = 0x202;
    private const int EnvironmentWords = 4;
    private const int WholeCount = 8;

    private static readonly ulong[] s_initialFx = InitialFx();

    private readonly byte[] _data = new byte[SiliconLayout.DataBytes];

    public void Fill(VectorShape shape, int number, MachineImage image)
    {
        SplitMix64 chance = new(SplitMix64.Mix(SplitMix64.Mix((ulong)shape.Index + 1) + (ulong)number));
        Span<ulong> words = image.Words;
        words.Clear();
        image.Fault = null;
        image.Flags = UserFlags | (chance.Next() & SiliconResult.ComparedFlags);
        words[MachineImage.Rip] = shape.Address;
        Span<ulong> gprs = words.Slice(MachineImage.Gprs, CpuState.GprCount);
        FillIntegers(ref chance, gprs);
        if (shape.Bits != 64)
        {
            gprs[8..].Clear();
            foreach (ref ulong gpr in gprs[..8])
            {
                gpr = (uint)gpr;
            }
        }

        FillFx(shape, ref chance, words.Slice(MachineImage.Fx, MachineImage.FxCount));
        image.MaskFx();
        FillData(shape, ref chance, words.Slice(MachineImage.Data, MachineImage.DataCount));
        FillIntegers(ref chance, words.Slice(MachineImage.Stack, MachineImage.StackCount));
        FillIntegers(ref chance, words.Slice(MachineImage.Edge, MachineImage.EdgeCount));
        foreach (VectorOverride change in shape.Overrides)
        {
            Apply(change, words);
        }
    }

    private void FillFx(VectorShape shape, ref SplitMix64 chance, Span<ulong> fx)
    {
        if (!shape.HasFx)
        {
            s_initialFx.CopyTo(fx);
            return;
        }

        FillEntries(shape.Environment, ref chance, fx[..EnvironmentWords]);
        FillEntries(shape.StackContent, ref chance, fx.Slice(EnvironmentWords, WholeCount * 2));
        FillEntries(shape.XmmContent, ref chance, fx[(EnvironmentWords + (WholeCount * 2))..]);
    }

    private void FillData(VectorShape shape, ref SplitMix64 chance, Span<ulong> data)
    {
        FillEntries(shape.DataContent, ref chance, data);
        if (shape.DataPhase == 0)
        {
            return;
        }

        for (int word = 0; word < data.Length; word++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(_data.AsSpan(word * 8), data[word]);
        }

        Span<byte> bytes = stackalloc byte[8];
        for (int word = 0; word < data.Length; word++)
        {
            int from = ((word * 8) - shape.DataPhase + _data.Length) % _data.Length;
            int first = Math.Min(8, _data.Length - from);
            _data.AsSpan(from, first).CopyTo(bytes);
            _data.AsSpan(0, 8 - first).CopyTo(bytes[first..]);
            data[word] = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        }
    }

    /// <summary>Mostly neighbours from the pool; the content is the unit.</summary>
    private void FillEntries(VectorContent content, ref SplitMix64 chance, Span<ulong> words)
    {
        int size = VectorPools.WordsOf(content);
        if (size == 1)
        {
            FillIntegers(ref chance, words);
            return;
        }

        ReadOnlySpan<ulong> pool = pools[content];
        uint count = (uint)(pool.Length / size);
        uint start = (uint)chance.Next();
        for (int at = 0; at < words.Length; at += size)
        {
            ulong draw = chance.Next();
            uint entry = ((draw & 3) == 0 ? (uint)(draw >> 32) : start + (uint)(at / size)) % count;
            pool.Slice((int)entry * size, size).CopyTo(words[at..]);
        }
    }

    private void FillIntegers(ref SplitMix64 chance, Span<ulong> words)
    {
        ReadOnlySpan<ulong> pool = pools[VectorContent.Integers];
        foreach (ref ulong word in words)
        {
            ulong draw = chance.Next();
            word = (draw & 7) == 0 ? SplitMix64.Mix(draw) : pool[(int)((uint)(draw >> 32) % (uint)pool.Length)];
        }
    }

    private static void Apply(VectorOverride change, Span<ulong> words)
    {
        if (change.Place < CpuState.GprCount)
        {
            ref ulong gpr = ref words[MachineImage.Gprs + change.Place];
            gpr = (gpr & change.Mask) | change.Ones;
            return;
        }

        int start = change.Place == VectorOverride.Data ? MachineImage.Data : MachineImage.Stack;
        int shift = change.Offset % 8 * 8;
        ref ulong low = ref words[start + (change.Offset / 8)];
        low = (low & ~(~change.Mask << shift)) | (change.Ones << shift);
        if (shift != 0)
        {
            ref ulong high = ref words[start + (change.Offset / 8) + 1];
            high = (high & ~(~change.Mask >> (64 - shift))) | (change.Ones >> (64 - shift));
        }
    }

    private static ulong[] InitialFx()
    {
        byte[] image = FxStateImage.Initial();
        return
        [
            .. Enumerable.Range(0, MachineImage.FxCount)
                .Select(word => BinaryPrimitives.ReadUInt64LittleEndian(image.AsSpan(word * 8))),
        ];
    }
}
