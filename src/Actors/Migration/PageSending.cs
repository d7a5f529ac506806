// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Actors.Vm;

namespace KvmActors.Actors.Migration;

/// <summary>Sends a move's pages in batches, packed while that pays, and keeps count.</summary>
internal sealed class PageSending(VmServices services, MoveCalls calls, MigrationPlan plan)
{
    private readonly PagePacking _packing = new();
    private readonly bool _tellsForms = services.Options.WriteVersion >= WireVersion.PageForms;
    private PackingPolicy _policy = PackingPolicy.Of(
        services.Options.Migration.Compression, services.Options.Migration.BytesPerSecondMax);

    private long? _started;
    private uint _batches;

    public int Pages { get; private set; }

    public ulong Bytes { get; private set; }

    /// <summary>Since the first page.</summary>
    public TimeSpan Took => _started is { } since ? services.Clock.GetElapsedTime(since) : TimeSpan.Zero;

    /// <param name="guestRuns">The limit of bandwidth holds.</param>
    public async Task<Refusal?> SendAsync(
        ImmutableArray<CapturedPage> pages, bool guestRuns, CancellationToken stop)
    {
        _started ??= services.Clock.GetTimestamp();
        foreach (CapturedPage[] batch in pages.Chunk(MigrationMessage.PagesBytesMax / CapturedPage.SizeBytes))
        {
            MigrationMessage.Pages message = new(
                plan.Key, Pack([.. batch], guestRuns), _tellsForms ? ++_batches : 0);
            if (await SendAsync(message, stop) is { } fault)
            {
                return fault;
            }
        }

        return null;
    }

    private async Task<Refusal?> SendAsync(MigrationMessage.Pages message, CancellationToken stop)
    {
        long bytes = message.All.Sum(static page => (long)page.WireBytes);
        long begun = services.Clock.GetTimestamp();
        MigrationAnswer answer = await calls.SendAsync(message, stop);
        _policy = _policy.Sent(bytes, services.Clock.GetElapsedTime(begun));
        Pages += message.All.Length;
        Bytes += (ulong)bytes;
        return MoveCalls.FaultIn(answer);
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
