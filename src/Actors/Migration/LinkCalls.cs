// SPDX-License-Identifier: Apache-2.0

using System.Buffers;
using System.Collections.Immutable;
using Google.Protobuf;
using KvmActors.Actors.Cluster;
using KvmActors.Actors.Vm;
using KvmActors.Actors.Wire;

namespace KvmActors.Actors.Migration;

/// <summary>Calls over the node link with a time limit, in terms of messages.</summary>
internal static class LinkCalls
{
    /// <exception cref="LinkException">No answer, or none that this version understands.</exception>
    public static async Task<MigrationAnswer> SendAsync(
        VmServices services, string endpoint, MigrationMessage message, CancellationToken stop)
    {
        LinkRequest request = MigrationWire.Of(message);
        LinkReply reply = message is MigrationMessage.Pages { IsOneBatch: true } pages
            ? await CallAsync(services, endpoint, request, pages.All, stop)
            : await CallAsync(services, endpoint, request, stop);
        return reply.Migration is { } answer
            ? MigrationWire.From(answer)
            : throw new LinkException($"{endpoint} answered a migration with {reply.BodyCase}.", LinkOutcome.Unknown);
    }

    /// <summary>A call that may take long, such as a whole move; only the caller's patience ends it.</summary>
    /// <exception cref="LinkException">No answer, or none that this version understands.</exception>
    public static async Task<LinkReply> CallUnlimitedAsync(
        VmServices services, string endpoint, LinkRequest request, CancellationToken stop)
    {
        byte[] bytes = PeerVersions.Stamp(request, services.Options).ToByteArray();
        ReadOnlyMemory<byte> reply = await services.Link.CallAsync(endpoint, bytes, stop);
        return Parse(endpoint, reply);
    }

    /// <exception cref="LinkException">No answer, or none that this version understands.</exception>
    public static Task<LinkReply> CallAsync(
        VmServices services, string endpoint, LinkRequest request, CancellationToken stop) =>
        CallAsync(services, endpoint, PeerVersions.Stamp(request, services.Options).ToByteArray(), stop);

    /// <remarks>The pages are copied before the first wait, into a buffer that is used again once the link is done with
    /// it: as new arrays, the memory of a guest would keep the garbage collector busy.</remarks>
    private static async Task<LinkReply> CallAsync(
        VmServices services,
        string endpoint,
        LinkRequest head,
        ImmutableArray<MovedPage> pages,
        CancellationToken stop)
    {
        _ = PeerVersions.Stamp(head, services.Options);
        int size = RequestBytes.SizeOf(head, pages);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            RequestBytes.Write(head, pages, buffer.AsSpan(0, size));
            return await CallAsync(services, endpoint, buffer.AsMemory(0, size), stop);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async Task<LinkReply> CallAsync(
        VmServices services, string endpoint, ReadOnlyMemory<byte> request, CancellationToken stop)
    {
        using CancellationTokenSource late = new(services.Options.LinkTimeout, services.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stop);
        try
        {
            ReadOnlyMemory<byte> reply = await services.Link.CallAsync(endpoint, request, either.Token);
            return Parse(endpoint, reply);
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested)
        {
            throw new LinkException(
                $"{endpoint} gave no answer within {services.Options.LinkTimeout.TotalSeconds} s.",
                LinkOutcome.Unknown);
        }
    }

    private static LinkReply Parse(string endpoint, ReadOnlyMemory<byte> reply)
    {
        try
        {
            return LinkReply.Parser.ParseFrom(reply.Span);
        }
        catch (InvalidProtocolBufferException fault)
        {
            throw new LinkException($"{endpoint} answered what is no link reply.", LinkOutcome.Unknown, fault);
        }
    }
}
