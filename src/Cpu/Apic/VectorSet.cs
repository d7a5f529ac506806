// SPDX-License-Identifier: Apache-2.0

using System.Numerics;

namespace KvmActors.Cpu.Apic;

/// <summary>256 vectors, as eight registers of a local APIC hold them: IRR, ISR or TMR.</summary>
internal sealed class VectorSet
{
    /// <summary>The answer where no vector is in the set.</summary>
    public const int None = -1;

    private readonly uint[] _words = new uint[8];

    /// <summary>The highest vector in the set, or <see cref="None"/>.</summary>
    public int Highest
    {
        get
        {
            for (int word = _words.Length - 1; word >= 0; word--)
            {
                if (_words[word] != 0)
                {
                    return (word * 32) + BitOperations.Log2(_words[word]);
                }
            }

            return None;
        }
    }

    public uint this[int word]
    {
        get => _words[word];
        set => _words[word] = value;
    }

    public bool Has(int vector) => (_words[vector >> 5] >> (vector & 31) & 1) != 0;

    public void Add(int vector) => _words[vector >> 5] |= 1u << (vector & 31);

    public void Remove(int vector) => _words[vector >> 5] &= ~(1u << (vector & 31));

    public void Clear() => Array.Clear(_words);
}
