// SPDX-License-Identifier: Apache-2.0

using KvmActors.Machine.Devices;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Machine.Tests.Devices;

/// <summary>The counter that computes against one that is clocked.</summary>
public sealed class PitChannelTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void A_counter_shows_at_every_clock_what_one_that_is_stepped_there_shows(int mode)
    {
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        for (int life = 0; life < 300; life++)
        {
            Live(mode, unchecked(seed + life));
        }
    }

    private static void Live(int mode, int seed)
    {
        Random random = new(seed);
        bool gate = random.Next(2) == 0;
        PitChannel computed = new(gate);
        SteppedCounter stepped = new(mode, gate);
        computed.WriteControl((byte)(0x10 | (mode << 1)));
        ulong now = (ulong)random.Next(1000);
        ulong? change = null;
        for (int step = 0; step < 300; step++)
        {
            int choice = random.Next(20);
            bool touched = true;
            bool before = computed.Output(now);
            if (choice == 0 || step == 0)
            {
                byte count = (byte)random.Next(random.Next(2) == 0 ? 6 : 40);
                computed.WriteCount(count, now);
                stepped.Write(count);
            }
            else if (choice < 3)
            {
                gate = !gate;
                computed.SetGate(gate, now);
                stepped.SetGate(gate);
            }
            else
            {
                touched = false;
                now++;
                stepped.Clock();
            }

            string where = $"seed {seed}, step {step}, clock {now}";
            bool level = computed.Output(now);
            Assert.True(stepped.Output == level, $"{where}: OUT is {level}.");
            Assert.True(touched || (change == now) == (level != before), $"{where}: foresaw a change at {change}.");
            change = computed.NextChange(now);
            if (stepped.IsCountInUse && (mode is not (1 or 5) || computed.Save().Phase == PitPhase.Counts))
            {
                computed.LatchCount(now);
                byte found = computed.Read(now);
                Assert.True((byte)stepped.Count == found, $"{where}: count {found}, expected {stepped.Count}.");
            }
        }
    }
}
