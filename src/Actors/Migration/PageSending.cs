// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Vm;

namespace KvmActors.Actors.Migration;

/// <summary>Sends a move's pages in batches, packed while that pays, and keeps count.</summary>
internal sealed class PageSending(VmServices services, MoveCalls calls, MigrationPlan plan)
{
    private const int UnderWayMax = 4;

    private const int BatchPages = MigrationMessage.PagesBytesMax / CapturedPage.SizeBytes;

    private sealed record UnderWay(int Pages, long Bytes, long Begun, Task<MigrationAnswer> Answer);

    private readonly Queue<UnderWay> _underWay = [];
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
    /// numbers. The last of them still are when this returns.</summary>
    /// <param name="pages">Not used behind the returned task's end.</param>
    /// <param name="guestRuns">The limit of bandwidth holds.</param>
    /// <returns>What was wrong with a batch, of these or of those before them.</returns>
    public async Task<Refusal?> SendAsync(
        ImmutableArray<CapturedPage> pages, bool guestRuns, CancellationToken stop)
    {
        _started ??= services.Clock.GetTimestamp();
        for (int at = 0; at < pages.Length; at += BatchPages)
        {
            if (_underWay.Count == (_tellsForms ? UnderWayMax : 1)
                && await FinishAsync(_underWay.Dequeue()) is { } fault)
            {
                return fault;
            }

            ImmutableArray<CapturedPage> batch = pages.Slice(at, Math.Min(BatchPages, pages.Length - at));
            MigrationMessage.Pages message = new(plan.Key, Pack(batch, guestRuns), _tellsForms ? ++_batches : 0);

            // What the link is still to send it has copied by the time that this returns.
            long begun = services.Clock.GetTimestamp();
            Task<MigrationAnswer> answer = calls.SendAsync(message, stop);
            _underWay.Enqueue(new UnderWay(message.All.Length, BytesOf(message), begun, answer));
        }

        return null;
    }

    /// <summary>Waits for the batches that are under way.</summary>
    /// <returns>What was wrong with the first one.</returns>
    public async Task<Refusal?> FinishAsync()
    {
        Refusal? fault = null;
        while (_underWay.TryDequeue(out UnderWay? last))
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
        _policy = _policy.Sent(sent.Bytes, services.Clock.GetElapsedTime(since, _answeredAt));
        Pages += sent.Pages;
        Bytes += (ulong)sent.Bytes;
        return null;
    }

    private static long BytesOf(MigrationMessage.Pages message) =>
        message.All.Sum(static page => (long)page.WireBytes);

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
