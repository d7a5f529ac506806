// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Security.Cryptography;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Replay;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;

namespace KvmActors.TestKit.Simulation.Invariants;

/// <summary>I4: every state that becomes durable is that of a twin, which is led along the journal commit by commit and
/// has known neither failure nor move.</summary>
/// <remarks>VMs that were restored or forked have no twin here.</remarks>
internal sealed class StatesInvariant(ClusterLedger ledger, IGuestFactory guests)
    : Invariant("I4", "every durable state is that of a twin that never failed")
{
    private readonly Dictionary<string, GuestImage> _images = [];
    private readonly Dictionary<VmId, Twin> _twins = [];

    /// <summary>States that were compared.</summary>
    public long Compared { get; private set; }

    public override void OnQuestion(ControlRequest request)
    {
        if (request is ControlRequest.CreateVm { Blueprint: var blueprint })
        {
            string sha256 = Convert.ToHexStringLower(SHA256.HashData(blueprint.Image.Span));
            _images.TryAdd(sha256, new GuestImage(blueprint.Image, blueprint.CommandLine));
        }
    }

    public override void OnCommit(NodeId? writer, StoreTransaction transaction)
    {
        IEnumerable<JournalRecord> records = transaction.Writes.SelectMany(write => write.Records);
        if (TwinOf(transaction.Vm, transaction) is { } twin && twin.Follow(records) is { } divergence)
        {
            Break($"{writer} wrote a state of {transaction.Vm} which its twin does not have. {divergence}");
        }

        Compared = _twins.Values.Sum(followed => followed.Compared);
    }

    public override void OnDeleted(VmId vm, CommandId command) => Drop(vm);

    public override void OnTailLost()
    {
        foreach (VmId vm in _twins.Keys.ToArray())
        {
            Drop(vm);
        }
    }

    private void Drop(VmId vm)
    {
        if (_twins.Remove(vm, out Twin? twin))
        {
            twin.Dispose();
        }
    }

    /// <summary>A new one is led along all that the ledger has of its VM.</summary>
    private Twin? TwinOf(VmId vm, StoreTransaction transaction)
    {
        if (_twins.TryGetValue(vm, out Twin? known))
        {
            return known;
        }

        ImmutableArray<JournalRecord> before = ledger.RecordsOf(vm);
        JournalEvent.VmCreated? created = before.Concat(transaction.Writes.SelectMany(write => write.Records))
            .Where(record => record.Kind == EventKind.VmCreated)
            .Select(record => (JournalEvent.VmCreated)EventCodec.Decode(record))
            .FirstOrDefault();
        if (created is not { Origin: null } || !_images.TryGetValue(created.ImageSha256, out GuestImage? image))
        {
            return null;
        }

        ImmutableArray<CpuidTable> tables = [.. Enumerable.Repeat(CpuidTable.Empty, created.Spec.VcpuCount)];
        Twin twin = new(guests.Create(created.Spec, tables, HostVendor.Intel, image));
        _twins.Add(vm, twin);
        if (twin.Follow(before) is { } divergence)
        {
            Break($"What the store still has of {vm} is not what its twin does. {divergence}");
        }

        return twin;
    }

    private sealed class Twin(IGuest guest) : IDisposable
    {
        private ulong _consoleBytes;

        public long Compared { get; private set; }

        /// <returns>Where it does something else; null where it does not.</returns>
        public Divergence? Follow(IEnumerable<JournalRecord> records)
        {
            ImmutableArray<ReplayEvent> events = ReplayOrder.Merge(records.Select(record => new ReplayEvent(
                record.Stream, record.Seq, record.Epoch, record.VmTime, EventCodec.Decode(record))));
            GuestReplay replay = new(guest, _consoleBytes, events, Count);
            while (replay.Step(static () => false))
            {
            }

            Compared += replay.StatesCompared;
            return replay.Divergence;
        }

        public void Dispose() => guest.Dispose();

        private void Count(ulong offset, ReadOnlyMemory<byte> bytes) => _consoleBytes = offset + (ulong)bytes.Length;
    }
}
