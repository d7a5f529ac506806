// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.TestKit.Simulation;

/// <summary>A running hash of what happened. Equal hashes of two runs mean: the same things in the same
/// order.</summary>
/// <remarks>Source: FNV-1a with 64 bits, draft-eastlake-fnv. It tells accidents apart, not attacks.</remarks>
internal struct TraceHash()
{
    private const ulong Prime = 0x0000_0100_0000_01B3;

    public ulong Value { get; private set; } = 0xCBF2_9CE4_8422_2325;

    public void Add(ulong number)
    {
        for (int shift = 0; shift < 64; shift += 8)
        {
            Value = (Value ^ (byte)(number >> shift)) * Prime;
        }
    }

    public void Add(string text)
    {
        foreach (char letter in text)
        {
            Value = (Value ^ letter) * Prime;
        }
    }
}
