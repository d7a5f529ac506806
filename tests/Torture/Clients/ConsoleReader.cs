// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Control;
using KvmActors.Host.Control.V1;
using KvmActors.Host.Rpc;

namespace KvmActors.Torture.Clients;

/// <summary>A client at a VM's console: reads from any node, and goes on behind its last byte at another one where that
/// one falls silent.</summary>
internal sealed class ConsoleReader(string vm, string name, ClusterClient cluster)
{
    private static readonly TimeSpan s_silenceMax = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan s_retryAfter = TimeSpan.FromMilliseconds(100);

    private readonly List<(ulong Offset, byte[] Bytes)> _chunks = [];
    private readonly Lock _lock = new();
    private ulong _next;

    public string Vm => vm;

    public string Name => name;

    /// <summary>What came, as it came.</summary>
    public IReadOnlyList<(ulong Offset, byte[] Bytes)> Chunks
    {
        get
        {
            lock (_lock)
            {
                return [.. _chunks];
            }
        }
    }

    /// <summary>Times that reading began again.</summary>
    public int CutOff { get; private set; }

    /// <summary>Whether the letter was read yet.</summary>
    public bool HasRead(byte letter)
    {
        lock (_lock)
        {
            return _chunks.Exists(chunk => chunk.Bytes.Contains(letter));
        }
    }

    /// <summary>Reads to the guest's end, or until it is told to stop.</summary>
    public async Task ReadAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            if (await ReadOnceAsync(stop))
            {
                return;
            }

            CutOff++;
            await Task.Delay(s_retryAfter, CancellationToken.None);
        }
    }

    private async Task<bool> ReadOnceAsync(CancellationToken stop)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(stop);
        silence.CancelAfter(s_silenceMax);
        ConsoleRequest request = new() { Name = vm, FromOffset = _next, Follow = true };
        try
        {
            await foreach (ConsoleChunk chunk in cluster.StreamAsync(ControlMethods.Console, request, silence.Token))
            {
                silence.CancelAfter(s_silenceMax);
                Take(chunk);
                if (chunk.IsLast)
                {
                    return true;
                }
            }
        }
        catch (Exception fault) when (fault is RpcException or OperationCanceledException)
        {
            // The next node may have more to say.
        }

        return false;
    }

    private void Take(ConsoleChunk chunk)
    {
        lock (_lock)
        {
            _chunks.Add((chunk.Offset, chunk.Data.ToByteArray()));
            _next = chunk.Offset + (ulong)chunk.Data.Length;
        }
    }
}
