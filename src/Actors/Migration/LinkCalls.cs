// SPDX-License-Identifier: Apache-2.0

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
        LinkReply reply = await CallAsync(services, endpoint, MigrationWire.Of(message), stop);
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
    public static async Task<LinkReply> CallAsync(
        VmServices services, string endpoint, LinkRequest request, CancellationToken stop)
    {
        using CancellationTokenSource late = new(services.Options.LinkTimeout, services.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stop);
        try
        {
            byte[] bytes = PeerVersions.Stamp(request, services.Options).ToByteArray();
            ReadOnlyMemory<byte> reply = await services.Link.CallAsync(endpoint, bytes, either.Token);
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
