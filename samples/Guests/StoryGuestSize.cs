// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Samples.Guests;

/// <summary>How much work a <see cref="StoryGuest"/> does.</summary>
/// <param name="Rounds">Rounds of work, each with a line on the serial port.</param>
/// <param name="BufferBytes">Bytes hashed in a round, a multiple of 64. One byte costs about 52 instructions.</param>
/// <param name="SegmentNumbers">Numbers sieved in a round, a multiple of 16. One costs about 7 instructions.</param>
public sealed record StoryGuestSize(int Rounds, int BufferBytes, int SegmentNumbers)
{
    public const int RoundsMax = 100_000;
    public const int BufferBytesMax = 64 * 1024;
    public const int SegmentNumbersMax = 128 * 1024;

    /// <summary>All numbers sieved together; the table of base primes ends at its square root.</summary>
    public const int NumbersMax = 1 << 28;

    public const int DemoRoundsMax = NumbersMax / DemoSegmentNumbers;

    private const int DemoSegmentNumbers = 32 * 1024;

    /// <summary>Rounds after which the guest waits at its gate until a byte comes on COM1, however long that takes: it
    /// runs meanwhile, but cannot end. 0 to one less than <see cref="Rounds"/>; null: no gate.</summary>
    public int? GateRound { get; init; }

    /// <summary>For tests: about 4 million instructions.</summary>
    public static StoryGuestSize Short { get; } = new(Rounds: 12, BufferBytes: 4096, SegmentNumbers: 8192);

    /// <summary>For the demo: 3.6 million instructions a round, with few lines on the console for them.</summary>
    /// <param name="rounds">1 to <see cref="DemoRoundsMax"/>.</param>
    public static StoryGuestSize Demo(int rounds) => new(rounds, BufferBytesMax, DemoSegmentNumbers);

    /// <summary>About: what one round costs, from the two figures above.</summary>
    public long InstructionsPerRound => (52L * BufferBytes) + (7L * SegmentNumbers);

    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Rounds, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Rounds, RoundsMax);
        ArgumentOutOfRangeException.ThrowIfLessThan(BufferBytes, 64);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(BufferBytes, BufferBytesMax);
        ArgumentOutOfRangeException.ThrowIfLessThan(SegmentNumbers, 16);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(SegmentNumbers, SegmentNumbersMax);
        ArgumentOutOfRangeException.ThrowIfNotEqual(BufferBytes % 64, 0);
        ArgumentOutOfRangeException.ThrowIfNotEqual(SegmentNumbers % 16, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)Rounds * SegmentNumbers, NumbersMax);
        if (GateRound is { } gate)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(gate, nameof(GateRound));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(gate, Rounds, nameof(GateRound));
        }
    }
}
