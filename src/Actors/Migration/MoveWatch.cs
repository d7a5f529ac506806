// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Migration;

/// <summary>Between a move and the VM actor that it moves: how far it is, and whether it is to be given up. Any
/// thread.</summary>
internal sealed class MoveWatch : IDisposable
{
    private readonly CancellationTokenSource _cancel = new();
    private volatile MoveProgress? _progress;

    public static MoveWatch Begin() => new();

    /// <summary>Null before it has begun.</summary>
    public MoveProgress? Progress
    {
        get => _progress;
        set => _progress = value;
    }

    /// <summary>Looked at until the hand-over, and not behind it.</summary>
    public CancellationToken Cancelled => _cancel.Token;

    public void Cancel() => _cancel.Cancel();

    public void Dispose() => _cancel.Dispose();
}
