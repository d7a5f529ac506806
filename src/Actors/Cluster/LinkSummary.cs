// SPDX-License-Identifier: Apache-2.0

using Google.Protobuf;
using KvmActors.Actors.Wire;
using KvmActors.Persistence;

namespace KvmActors.Actors.Cluster;

/// <summary>What a request on the node link is about, for logs, flight recorders and tests.</summary>
/// <param name="Kind">Name of the message: "Offer", "HandOver", "Order", "ReadConsole"…; empty for none that this
/// version knows.</param>
/// <param name="Vm">Empty where the request is about none.</param>
/// <param name="Migration">Set in the messages of a move.</param>
/// <param name="Epoch">Of the source, in the messages of a move.</param>
public sealed record LinkSummary(string Kind, string Vm, MigrationId? Migration, Epoch? Epoch)
{
    /// <summary>Reads a request without acting on it. Any thread.</summary>
    public static LinkSummary Of(ReadOnlyMemory<byte> request)
    {
        LinkRequest parsed;
        try
        {
            parsed = LinkRequest.Parser.ParseFrom(request.Span);
        }
        catch (InvalidProtocolBufferException)
        {
            return new LinkSummary(string.Empty, string.Empty, null, null);
        }

        MigrationKey? key = parsed.BodyCase switch
        {
            LinkRequest.BodyOneofCase.Offer => parsed.Offer.Key,
            LinkRequest.BodyOneofCase.Check => parsed.Check.Key,
            LinkRequest.BodyOneofCase.Pages => parsed.Pages.Key,
            LinkRequest.BodyOneofCase.Final => parsed.Final.Key,
            LinkRequest.BodyOneofCase.HandOver => parsed.HandOver.Key,
            LinkRequest.BodyOneofCase.Cancel => parsed.Cancel.Key,
            LinkRequest.BodyOneofCase.Control or LinkRequest.BodyOneofCase.None => null,
            _ => null,
        };
        return key is not null
            ? new LinkSummary($"{parsed.BodyCase}", key.Vm, new MigrationId(key.Migration), new Epoch(key.Epoch))
            : parsed.Control is { } control
            ? new LinkSummary($"{control.BodyCase}", control.Vm, null, null)
            : new LinkSummary(string.Empty, string.Empty, null, null);
    }

    public override string ToString() => Migration is { } migration
        ? $"{Kind} {Vm} e{Epoch} {migration}"
        : $"{Kind} {Vm}";
}
