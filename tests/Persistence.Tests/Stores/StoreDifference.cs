// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Events;
using KvmActors.Persistence.InMemory;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Membership;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Persistence.Tests.Stores;

/// <summary>Asks two stores the same at random: each is the other's oracle. Half of the requests are made to be
/// refused: old rows, foreign claims, commands sent again.</summary>
internal sealed class StoreDifference
{
    private const int Steps = 600;

    private static readonly string[] s_names = ["a", "b", "c"];
    private static readonly TimeSpan s_lease = TimeSpan.FromSeconds(3);

    private readonly List<StreamRow> _everSeen = [];
    private readonly List<NodeId> _nodes = [];

    internal ManualClock Clock { get; } = new();

    /// <param name="memory">On this clock, as <paramref name="other"/> is.</param>
    internal async Task CompareAsync(InMemoryStore memory, IStore other, string name, int seed)
    {
        var random = new Random(seed);
        Dictionary<string, int> answers = [];
        for (int step = 0; step < Steps; step++)
        {
            Func<IStore, Task<object?>> request = Next(random);

            object? expected = await request(memory);
            object? found = await request(other);

            Assert.True(
                DeepText.Of(expected) == DeepText.Of(found),
                $"KVMACTORS_SEED={seed}, step {step}:\n memory {DeepText.Of(expected)}\n {name} {DeepText.Of(found)}");
            Learn(expected);
            string kind = expected?.GetType().Name ?? "null";
            answers[kind] = answers.GetValueOrDefault(kind) + 1;
        }

        // Else the steps were too tame to tell the stores apart.
        Assert.Superset(
            new HashSet<string>
            {
                "Committed", "Fenced", "Mismatch", "Duplicate", "ClaimRefused", "AlreadyExists", "Registered",
            },
            answers.Keys.ToHashSet());
        foreach (StreamRow row in await other.ListAsync(default))
        {
            Assert.Null(await JournalVerifier.CheckAsync(other, row.Stream, default));
        }
    }

    private Func<IStore, Task<object?>> Next(Random random)
    {
        NodeId node = _nodes.Count == 0 ? new NodeId("nobody#1") : _nodes[random.Next(_nodes.Count)];
        NodeId other = _nodes.Count == 0 ? new NodeId("nobody#2") : _nodes[random.Next(_nodes.Count)];
        switch (random.Next(12))
        {
            case 0:
                NodeRegistration registration = new(
                    s_names[random.Next(3)], "h:1", 7, Cpu.Hypercalls.HostVendor.Amd, s_lease, "{}");
                return async store => await store.RegisterAsync(registration, default);
            case 1:
                Clock.Advance(TimeSpan.FromMilliseconds(random.Next(1500)));
                return async store => await store.RenewAsync(node, s_lease, default);
            case 2:
                DeathEvidence evidence = random.Next(4) == 0 ? DeathEvidence.FileLockHeld : DeathEvidence.LeaseExpired;
                return async store => await store.DeclareDeadAsync(node, evidence, TimeSpan.Zero, default);
            case 3:
                return async store => await store.ListNodesAsync(default);
            case 4:
                return async store => await store.ListAsync(default);
            case 5 when random.Next(4) == 0:
                return async store => await store.DrainAsync(node, default);
            default:
                StoreTransaction transaction = NextTransaction(random, node, other);
                return async store => await store.CommitAsync(transaction, default);
        }
    }

    private StoreTransaction NextTransaction(Random random, NodeId node, NodeId other)
    {
        var vm = VmId.Parse($"vm-{random.Next(4)}");
        StreamRow[] known = [.. _everSeen.Where(row => row.Stream == vm.Stream)];
        DedupEntry? dedup = random.Next(3) == 0
            ? new DedupEntry(vm.Stream, new CommandId("cli", $"{random.Next(20)}"), new[] { (byte)random.Next(256) })
            : null;
        if (known.Length == 0 || random.Next(15) == 0)
        {
            return Of(vm, StreamWriteBuilder.Create(vm.Stream, node).Add(0, Event(random)), dedup: dedup);
        }

        // Mostly the latest row, at times an old one.
        StreamRow row = random.Next(3) > 0 ? known[^1] : known[random.Next(known.Length)];
        var write = new StreamWriteBuilder(row);
        return random.Next(6) switch
        {
            0 when row.State == StreamRowState.Moving => Of(vm, write.Add(1, Event(random)).MoveTo(row.Target!.Value)),
            1 when row.State == StreamRowState.Moving => Of(vm, write.AbortMove()),
            0 or 1 => Of(vm, write.BeginMove(new MigrationId($"m-{random.Next(3)}"), other), dedup: dedup),
            2 or 3 => Of(vm, write.MoveTo(node), new TakeoverClaim(node, row.Owner)),
            _ => Of(vm, write.Add(row.HeadSeq, Event(random), dedup?.Command).FailCount(random.Next(3)), dedup: dedup),
        };
    }

    private static JournalEvent.InputArrived Event(Random random) => new([(byte)random.Next(256)]);

    private static StoreTransaction Of(
        VmId vm, StreamWriteBuilder write, TakeoverClaim? claim = null, DedupEntry? dedup = null) =>
        new(vm, [write.Build()], claim, dedup);

    /// <summary>What a client could know by now.</summary>
    private void Learn(object? answer)
    {
        if (answer is RegisterResult.Registered registered)
        {
            _nodes.Add(registered.Id);
        }

        if (answer is IReadOnlyList<StreamRow> rows)
        {
            _everSeen.AddRange(rows.Where(row => !_everSeen.Contains(row)));
        }

        if (answer is CommitResult.Fenced { Current: { } current })
        {
            _everSeen.Add(current);
        }
    }
}
