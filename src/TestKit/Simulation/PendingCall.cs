// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Kernel;

namespace KvmActors.TestKit.Simulation;

/// <summary>One call on its way through a <see cref="SimulatedNetwork"/>. The first outcome counts.</summary>
internal sealed class PendingCall(string from, string to, byte[] request)
{
    private readonly Completion<ReadOnlyMemory<byte>> _reply = new();

    public string From { get; } = from;

    public string To { get; } = to;

    public ReadOnlyMemory<byte> Request { get; } = request;

    public Task<ReadOnlyMemory<byte>> WaitAsync() => _reply.WaitAsync();

    /// <param name="reply">Null: the other side failed to make one.</param>
    public void Complete(ReadOnlyMemory<byte>? reply)
    {
        if (reply is { } bytes)
        {
            _reply.TrySet(bytes);
        }
        else
        {
            Fail($"{To} failed while it answered {From}.", LinkOutcome.Unknown);
        }
    }

    public void Refuse() => Fail($"{To} refused the connection from {From}: nobody listens.", LinkOutcome.NotSent);

    public void Reset() => Fail($"The connection from {From} to {To} was reset.", LinkOutcome.Unknown);

    public void GiveUp(TimeSpan after) => Fail($"{To} gave {From} no reply within {after}.", LinkOutcome.Unknown);

    public void Cancel(CancellationToken token) => _reply.TryCancel(token);

    private void Fail(string message, LinkOutcome outcome) => _reply.TryFail(new LinkException(message, outcome));
}
