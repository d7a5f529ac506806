// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;

namespace KvmActors.Persistence.Tests.Events;

public class EventCodecTests
{
    public static TheoryData<string> Names => [.. EventExamples.All.Select(example => example.Name)];

    [Fact]
    public void Every_case_of_the_union_has_an_example_and_a_kind()
    {
        IEnumerable<string> cases = typeof(JournalEvent).GetNestedTypes().Select(type => type.Name).Order();
        IEnumerable<string> examples = EventExamples.All
            .Select(example => example.Event.GetType().Name).Distinct().Order();

        Assert.Equal(cases, examples);
        Assert.Equal(cases, Enum.GetNames<EventKind>().Order());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void An_event_comes_back_as_it_was(string name)
    {
        JournalEvent before = EventExamples.All.Single(example => example.Name == name).Event;

        JournalEvent after = EventCodec.Decode(Record(EventCodec.Encode(before)));

        Assert.Equal(before.GetType(), after.GetType());
        Assert.Equal(DeepText.Of(before), DeepText.Of(after));
        Assert.Equal(before.GetType().Name, EventCodec.Encode(before).Kind.ToString());
    }

    [Fact]
    public void The_bytes_of_every_kind_are_pinned()
    {
        // One line an event: name, kind, version, payload. If this fails, old journals may not read: add a version, and
        // do not edit a line of the file.
        string[] golden = [.. File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Events", "golden-events.txt"))
            .Where(line => line.Length > 0 && !line.StartsWith('#'))];

        IEnumerable<string> now = EventExamples.All
            .Select(example => (example.Name, Encoded: EventCodec.Encode(example.Event)))
            .Select(example => string.Create(
                CultureInfo.InvariantCulture,
                $"{example.Name} {(int)example.Encoded.Kind} {example.Encoded.Version} "
                + $"{Convert.ToHexStringLower(example.Encoded.Payload.Span)}"));

        Assert.Equal(golden, now);
    }

    [Fact]
    public void An_unknown_kind_is_refused_and_named()
    {
        JournalRecord record = Record(new EncodedEvent((EventKind)99, 1, ReadOnlyMemory<byte>.Empty));

        JournalFormatException fault = Assert.Throws<JournalFormatException>(() => EventCodec.Decode(record));

        Assert.Contains("web, sequence 7", fault.Message, StringComparison.Ordinal);
        Assert.Contains("kind 99", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_version_is_refused_and_named()
    {
        EncodedEvent encoded = EventCodec.Encode(new JournalEvent.VcpuCreated(0)) with { Version = 2 };

        JournalFormatException fault = Assert.Throws<JournalFormatException>(() => EventCodec.Decode(Record(encoded)));

        Assert.Contains("found version 2", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(EventKind.Placed, "1a", "ends in the middle of a field")]
    [InlineData(EventKind.Placed, "0a066e6f64652d311005", "an enum at 0 is UNSPECIFIED")]
    [InlineData(EventKind.VmCreated, "", "no machine specification")]
    [InlineData(EventKind.HandedOff, "1a020102", "a hash of two bytes")]
    [InlineData(EventKind.LifecycleChanged, "080210051a00", "an end of no kind")]
    [InlineData(EventKind.VcpuCreated, "08ffffffff0f", "an index beyond any VM")]
    public void A_payload_that_says_nothing_allowed_is_damage(EventKind kind, string hex, string why)
    {
        JournalRecord record = Record(new EncodedEvent(kind, 1, Convert.FromHexString(hex)));

        StoreCorruptException fault = Assert.Throws<StoreCorruptException>(() => EventCodec.Decode(record));

        Assert.True(fault.Message.Contains("web, sequence 7", StringComparison.Ordinal), $"{why}: {fault.Message}");
    }

    [Fact]
    public void No_random_payload_is_met_with_another_exception()
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("KVMACTORS_SEED"), out int given) ? given : 20260101;
        var random = new Random(seed);
        for (int i = 0; i < 20_000; i++)
        {
            var kind = (EventKind)random.Next(1, 14);
            byte[] payload =
                EventCodec.Encode(EventExamples.All[random.Next(EventExamples.All.Count)].Event).Payload.ToArray();
            if (payload.Length > 0)
            {
                payload[random.Next(payload.Length)] = (byte)random.Next(256);
            }

            Exception? fault = FaultOf(kind, payload);

            Assert.True(
                fault is null or StoreCorruptException,
                $"seed {seed}, {kind}, {Convert.ToHexString(payload)}: {fault}");
        }
    }

    [Fact]
    public void An_event_longer_than_the_bound_is_refused()
    {
        var input = new JournalEvent.InputArrived([.. new byte[EventCodec.PayloadBytesMax]]);

        Assert.Throws<ArgumentException>(() => EventCodec.Encode(input));
    }

    private static Exception? FaultOf(EventKind kind, byte[] payload) =>
        Xunit.Record.Exception(() => EventCodec.Decode(Record(new EncodedEvent(kind, 1, payload))));

    private static JournalRecord Record(EncodedEvent encoded) => new(
        new StreamId("web"), 7, Epoch.First, encoded.Kind, encoded.Version, 0, null, encoded.Payload, Digest.Zero);
}
