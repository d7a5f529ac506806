// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Vm;

namespace KvmActors.Actors.Migration;

/// <summary>Sends a move's pages in batches, packed while that pays, and keeps count.</summary>
internal sealed class PageSending(VmServices services, MoveCalls calls, MigrationPlan plan)
{
    private const int UnderWayMax = 4;

    private sealed record UnderWay(MigrationMessage.Pages Message, long Begun, Task<MigrationAnswer> Answer);

    private readonly PagePacking _packing = new();
    private readonly bool _tellsForms = services.Options.WriteVersion >= WireVersion.PageForms;
    private PackingPolicy _policy = PackingPolicy.Of(
        services.Options.Migration.Compression, services.Options.Migration.BytesPerSecondMax);

    private long? _started;
    private long _answeredAt = long.MinValue;
    private uint _batches;

    public int Pages { get; private set; }

    public ulong Bytes { get; private set; }

    /// <summary>Since the first page.</summary>
    public TimeSpan Took => _started is { } since ? services.Clock.GetElapsedTime(since) : TimeSpan.Zero;

    /// <summary>Several batches are under way at once, so that both nodes work; the target puts them in order by their
    /// numbers.</summary>
    /// <param name="guestRuns">The limit of bandwidth holds.</param>
    public async Task<Refusal?> SendAsync(
        ImmutableArray<CapturedPage> pages, bool guestRuns, CancellationToken stop)
    {
        _started ??= services.Clock.GetTimestamp();
        Queue<UnderWay> underWay = [];
        Refusal? fault = null;
        foreach (CapturedPage[] batch in pages.Chunk(MigrationMessage.PagesBytesMax / CapturedPage.SizeBytes))
        {
            if (underWay.Count == (_tellsForms ? UnderWayMax : 1))
            {
                fault = await FinishAsync(underWay.Dequeue());
            }

            if (fault is not null)
            {
                break;
            }

            MigrationMessage.Pages message = new(
                plan.Key, Pack([.. batch], guestRuns), _tellsForms ? ++_batches : 0);
            underWay.Enqueue(new UnderWay(message, services.Clock.GetTimestamp(), calls.SendAsync(message, stop)));
        }

        foreach (UnderWay last in underWay)
        {
            Refusal? late = await FinishAsync(last);
            fault ??= late;
        }

        return fault;
    }

    private async Task<Refusal?> FinishAsync(UnderWay sent)
    {
        MigrationAnswer answer = await sent.Answer;
        if (MoveCalls.FaultIn(answer) is { } fault)
        {
            return fault;
        }

        // While others were under way too, the link was theirs: what counts is how often an answer comes.
        long since = Math.Max(sent.Begun, _answeredAt);
        _answeredAt = services.Clock.GetTimestamp();
        long bytes = sent.Message.All.Sum(static page => (long)page.WireBytes);
        _policy = _policy.Sent(bytes, services.Clock.GetElapsedTime(since, _answeredAt));
        Pages += sent.Message.All.Length;
        Bytes += (ulong)bytes;
        return null;
    }

    private ImmutableArray<MovedPage> Pack(ImmutableArray<CapturedPage> pages, bool guestRuns)
    {
        // What is left when the guest stands still goes as fast as it can.
        PackingPolicy policy = guestRuns ? _policy : _policy with { BytesPerSecondMax = 0 };
        bool packs = _tellsForms
            && (policy.Pays || (guestRuns && policy.LooksAgain(_batches)));
        if (!packs)
        {
            return _packing.Pack(pages, compresses: false);
        }

        long begun = services.Clock.GetTimestamp();
        ImmutableArray<MovedPage> packed = _packing.Pack(pages, compresses: true);
        _policy = _policy.Packed(
            pages.Count(static page => !page.IsZero),
            packed.Sum(static page => (long)page.Bytes.Length),
            services.Clock.GetElapsedTime(begun));
        return packed;
    }
}
