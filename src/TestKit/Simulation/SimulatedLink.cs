// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;

namespace KvmActors.TestKit.Simulation;

/// <summary>One process's end of a <see cref="SimulatedNetwork"/>.</summary>
public sealed class SimulatedLink : INodeLink
{
    private readonly SimulatedNetwork _network;
    private readonly SimulatedProcess _process;
    private readonly LinkHandler _handler;
    private readonly List<PendingCall> _serving = [];

    internal SimulatedLink(SimulatedNetwork network, SimulatedProcess process, string endpoint, LinkHandler handler)
    {
        _network = network;
        _process = process;
        _handler = handler;
        Endpoint = endpoint;
    }

    /// <summary>Where others reach this process.</summary>
    public string Endpoint { get; }

    public ValueTask<ReadOnlyMemory<byte>> CallAsync(
        string endpoint, ReadOnlyMemory<byte> request, CancellationToken cancellationToken) =>
        new(_network.CallAsync(this, endpoint, request, cancellationToken));

    internal void Serve(PendingCall call, Action<ReadOnlyMemory<byte>?> answer)
    {
        _serving.Add(call);
        _ = _process.Executor.Factory.StartNew(() => ServeAsync(call, answer));
    }

    /// <summary>What was being answered when the process died.</summary>
    internal IReadOnlyList<PendingCall> TakeServing()
    {
        PendingCall[] taken = [.. _serving];
        _serving.Clear();
        return taken;
    }

    private async Task ServeAsync(PendingCall call, Action<ReadOnlyMemory<byte>?> answer)
    {
        ReadOnlyMemory<byte>? reply;
        try
        {
            reply = await _handler(call.Request, CancellationToken.None);
        }
        catch (Exception)
        {
            // As a server does: the caller learns that there is no reply, and not why.
            reply = null;
        }

        if (_serving.Remove(call))
        {
            answer(reply);
        }
    }
}
