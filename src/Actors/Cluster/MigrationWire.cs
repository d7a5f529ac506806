// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using Google.Protobuf;
using KvmActors.Actors.Migration;
using KvmActors.Actors.Wire;
using KvmActors.Cpu.Cpuid;
using KvmActors.Machine.Hashing;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Snapshots;

namespace KvmActors.Actors.Cluster;

/// <summary>Migration messages to and from <c>link.proto</c>. Pure.</summary>
internal static class MigrationWire
{
    /// <summary>All of a message, but for pages that are in a batch: those are for <see cref="RequestBytes"/>.
    /// </summary>
    public static LinkRequest Of(MigrationMessage message) => message switch
    {
        MigrationMessage.Offer offer => new LinkRequest
        {
            Offer = new MigrationOffer
            {
                Key = Of(offer.Key),
                Engine = offer.Engine,
                VmCreated = WireEvent.Encode(offer.Vm),
                Vcpus = { offer.Cpuid.Select(Of) },
            },
        },
        MigrationMessage.Check check => new LinkRequest
        {
            Check = new MigrationCheck
            {
                Key = Of(check.Key),
                Engine = check.Engine,
                MemoryBytes = check.MemoryBytes,
                Vcpus = { check.Cpuid.Select(Of) },
            },
        },
        MigrationMessage.Pages pages => new LinkRequest
        {
            Pages = new MigrationPages
            {
                Key = Of(pages.Key),
                Batch = pages.Batch,
                Pages = { pages.IsOneBatch ? [] : pages.All.Select(Of) },
            },
        },
        MigrationMessage.Final final => new LinkRequest { Final = Of(final) },
        MigrationMessage.HandOver handOver => new LinkRequest { HandOver = Of(handOver) },
        MigrationMessage.Cancel cancel => new LinkRequest { Cancel = new MigrationCancel { Key = Of(cancel.Key) } },
        _ => throw new UnreachableException(message.GetType().Name),
    };

    /// <param name="pages">Of the request, where it has a batch of them; lent, and so kept only with
    /// <paramref name="loan"/>.</param>
    /// <returns>Null where the request is no migration message.</returns>
    /// <exception cref="InvalidDataException">A part of the message is not what it should be.</exception>
    public static MigrationMessage? From(LinkRequest request, ReadOnlyMemory<byte> pages, PageLoan loan) =>
        request.BodyCase switch
        {
            LinkRequest.BodyOneofCase.Offer => From(request.Offer),
            LinkRequest.BodyOneofCase.Check => new MigrationMessage.Check(
                From(request.Check.Key),
                request.Check.Engine,
                request.Check.MemoryBytes,
                [.. request.Check.Vcpus.Select(From)]),
            LinkRequest.BodyOneofCase.Pages when pages.IsEmpty => new MigrationMessage.Pages(
                From(request.Pages.Key), [.. request.Pages.Pages.Select(From)], request.Pages.Batch),
            LinkRequest.BodyOneofCase.Pages => new MigrationMessage.Pages(
                From(request.Pages.Key), PageBatch.Read(pages), request.Pages.Batch)
            {
                Loan = loan,
            },
            LinkRequest.BodyOneofCase.Final => From(request.Final),
            LinkRequest.BodyOneofCase.HandOver => From(request.HandOver),
            LinkRequest.BodyOneofCase.Cancel => new MigrationMessage.Cancel(From(request.Cancel.Key)),
            LinkRequest.BodyOneofCase.Control or LinkRequest.BodyOneofCase.Hello or LinkRequest.BodyOneofCase.None =>
                null,
            _ => null,
        };

    public static Wire.MigrationAnswer Of(Migration.MigrationAnswer answer) => answer switch
    {
        Migration.MigrationAnswer.Accepted accepted => new Wire.MigrationAnswer
        {
            Accepted = true,
            Epoch = accepted.Epoch.Value,
            TookUs = (ulong)accepted.Took.TotalMicroseconds,
            StartUs = (ulong)accepted.Start.TotalMicroseconds,
        },
        Migration.MigrationAnswer.Refused refused => new Wire.MigrationAnswer { Refused = ControlWire.Of(refused.Why) },
        Migration.MigrationAnswer.Checked check => new Wire.MigrationAnswer
        {
            Checked = new MigrationChecked { Missing = { check.Missing.Select(ControlWire.Of) } },
        },
        _ => throw new UnreachableException(answer.GetType().Name),
    };

    public static Migration.MigrationAnswer From(Wire.MigrationAnswer answer) => answer.Checked is { } check
        ? new Migration.MigrationAnswer.Checked([.. check.Missing.Select(ControlWire.From)])
        : answer.Accepted
        ? new Migration.MigrationAnswer.Accepted(new Epoch(answer.Epoch))
        {
            Took = TimeSpan.FromMicroseconds(answer.TookUs),
            Start = TimeSpan.FromMicroseconds(answer.StartUs),
        }
        : new Migration.MigrationAnswer.Refused(ControlWire.From(answer.Refused ?? new RefusalMessage()));

    private static Wire.MigrationKey Of(Migration.MigrationKey key) => new()
    {
        Vm = key.Vm.Value,
        Migration = key.Migration.Value,
        Epoch = key.Epoch.Value,
        Source = key.Source.Value,
    };

    private static Migration.MigrationKey From(Wire.MigrationKey? key) => key is not null
        && VmId.TryParse(key.Vm, out VmId vm)
        ? new Migration.MigrationKey(vm, new MigrationId(key.Migration), new Epoch(key.Epoch), new NodeId(key.Source))
        : throw ControlWire.Unknown("migration key");

    private static MigrationMessage.Offer From(MigrationOffer offer) => new(
        From(offer.Key),
        offer.Engine,
        WireEvent.Decode<JournalEvent.VmCreated>(EventKind.VmCreated, offer.VmCreated),
        [.. offer.Vcpus.Select(From)]);

    private static VcpuOffer Of(GuestCpuid cpuid) => new()
    {
        CpuidSet = WireEvent.Encode(new JournalEvent.CpuidSet(cpuid.Table)),
        Observed =
        {
            cpuid.Observed.Select(seen => new ObservationMessage
            {
                Leaf = seen.Leaf,
                Subleaf = seen.Subleaf,
                FirstVmTime = seen.FirstVmTime,
                Reads = seen.Reads,
            }),
        },
    };

    private static GuestCpuid From(VcpuOffer offer) => new(
        WireEvent.Decode<JournalEvent.CpuidSet>(EventKind.CpuidSet, offer.CpuidSet).Table,
        [
            .. offer.Observed.Select(
                seen => new CpuidObservation(seen.Leaf, seen.Subleaf, seen.FirstVmTime, seen.Reads)),
        ]);

    private static PageMessage Of(MovedPage page) => page.Form == PageForm.Raw
        ? new PageMessage { Number = (uint)page.PageNumber, Bytes = UnsafeByteOperations.UnsafeWrap(page.Bytes) }
        : throw new InvalidOperationException($"Expected pages as they are in version 1, found form {page.Form}.");

    // Whether these are pages, the target says with reasons.
    private static MovedPage From(PageMessage page) =>
        new((int)page.Number, PageForm.Raw, page.Bytes.Memory, SameAs: 0);

    private static MigrationFinal Of(MigrationMessage.Final final)
    {
        byte[] sum = new byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128LittleEndian(sum, final.Memory.Value);
        return new MigrationFinal
        {
            Key = Of(final.Key),
            Machine = ByteString.CopyFrom(SnapshotCodec.Encode(final.Machine).Span),
            StateHash = final.State.Hex,
            MemorySum = ByteString.CopyFrom(sum),
            ConsoleTail = ByteString.CopyFrom(final.Console.Span),
            Heads =
            {
                final.Heads.Select(head => new HeadMessage
                {
                    Stream = head.Stream.Value,
                    Seq = head.Seq,
                    Hash = head.Hash.Hex,
                }),
            },
        };
    }

    private static MigrationMessage.Final From(MigrationFinal final) => final.MemorySum.Length == 16
        ? new MigrationMessage.Final(
            From(final.Key),
            SnapshotCodec.Decode(final.Machine.Memory),
            new StateHash(final.StateHash),
            new MemorySum(System.Buffers.Binary.BinaryPrimitives.ReadUInt128LittleEndian(final.MemorySum.Span)),
            final.ConsoleTail.Memory,
            [.. final.Heads.Select(From)])
        : throw new InvalidDataException($"Expected a memory sum of 16 bytes, found {final.MemorySum.Length}.");

    private static StreamHead From(HeadMessage head) => head.Hash.Length == Digest.SizeBytes * 2
        ? new StreamHead(
            new StreamId(head.Stream), head.Seq, Digest.FromBytes(Convert.FromHexString(head.Hash)))
        : throw new InvalidDataException($"Expected a hash of {Digest.SizeBytes * 2} digits, found \"{head.Hash}\".");

    private static MigrationHandOver Of(MigrationMessage.HandOver handOver) => new()
    {
        Key = Of(handOver.Key),
        Client = handOver.Reply?.Command.Client ?? string.Empty,
        Command = handOver.Reply?.Command.Command ?? string.Empty,
        Reply = handOver.Reply is null ? ByteString.Empty : ByteString.CopyFrom(handOver.Reply.Reply.Span),
        ReplyStream = handOver.Reply?.Stream.Value ?? string.Empty,
    };

    private static MigrationMessage.HandOver From(MigrationHandOver handOver)
    {
        DedupEntry? reply = handOver.Reply.IsEmpty
            ? null
            : new DedupEntry(
                new StreamId(handOver.ReplyStream),
                new CommandId(handOver.Client, handOver.Command),
                handOver.Reply.Memory);
        return new MigrationMessage.HandOver(From(handOver.Key), reply);
    }
}
