// SPDX-License-Identifier: Apache-2.0

using System.Text;
using Google.Protobuf;
using KvmActors.Host.Control;
using KvmActors.Host.Control.V1;
using KvmActors.Host.Rpc;

namespace KvmActors.Host.Tests.Deaths;

/// <summary>A person at the console of a VM whose nodes die: types through any node, and reads what comes behind the
/// last byte read.</summary>
internal sealed class EchoTerminal(KilledCluster cluster, string vm)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_retryAfter = TimeSpan.FromMilliseconds(5);

    private readonly StringBuilder _read = new();
    private readonly string _client = $"terminal-{Guid.NewGuid():n}";
    private readonly List<(int Letters, TaskCompletionSource Seen)> _waiting = [];
    private int _commands;
    private int _letters;
    private int _turn;

    /// <summary>All that was put out so far.</summary>
    public string Text
    {
        get
        {
            lock (_read)
            {
                return _read.ToString();
            }
        }
    }

    /// <summary>Times that reading began again.</summary>
    public int CutOff { get; private set; }

    /// <summary>Types once, however often it has to be sent.</summary>
    public Task TypeAsync(string text)
    {
        SendInputRequest request = new()
        {
            Command = NextCommand(),
            Name = vm,
            Data = ByteString.CopyFromUtf8(text),
        };
        return CallAsync(ControlMethods.SendInput, request);
    }

    /// <summary>Done as soon as more than so many characters were read that are no dot.</summary>
    public Task SeenAsync(int letters)
    {
        lock (_read)
        {
            TaskCompletionSource seen = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Add((letters, seen));
            TellSeen();
            return seen.Task;
        }
    }

    /// <summary>Calls a node until one answers; commands are sent again under the same id.</summary>
    public async Task<TReply> CallAsync<TRequest, TReply>(RpcMethod<TRequest, TReply> method, TRequest request)
    {
        long begun = TimeProvider.System.GetTimestamp();
        while (true)
        {
            KilledCluster.NodeLife node = await cluster.NodeAsync(Interlocked.Increment(ref _turn));
            try
            {
                return await node.Control.CallAsync(method, request, CancellationToken.None);
            }
            catch (RpcException fault) when (fault.Status != RpcStatus.InvalidArgument
                && TimeProvider.System.GetElapsedTime(begun) < s_patience)
            {
                await Task.Delay(s_retryAfter);
            }
        }
    }

    public CommandRef NextCommand() => new()
    {
        ClientId = _client,
        CommandId = $"{Interlocked.Increment(ref _commands)}",
    };

    /// <summary>Reads to the end of the guest.</summary>
    public async Task ReadAsync()
    {
        while (true)
        {
            KilledCluster.NodeLife node = await cluster.NodeAsync(CutOff);
            ConsoleRequest request = new() { Name = vm, FromOffset = (ulong)_read.Length, Follow = true };
            try
            {
                await foreach (ConsoleChunk chunk in
                    node.Control.StreamAsync(ControlMethods.Console, request, CancellationToken.None))
                {
                    Assert.Equal((ulong)_read.Length, chunk.Offset);
                    Take(chunk.Data.ToStringUtf8());
                    if (chunk.IsLast)
                    {
                        return;
                    }
                }
            }
            catch (RpcException)
            {
                await Task.Delay(s_retryAfter);
            }

            CutOff++;
        }
    }

    private void Take(string text)
    {
        lock (_read)
        {
            _read.Append(text);
            _letters += text.Count(each => each != '.');
            TellSeen();
        }
    }

    private void TellSeen()
    {
        foreach ((int _, TaskCompletionSource seen) in _waiting.Where(each => each.Letters < _letters))
        {
            seen.TrySetResult();
        }

        _waiting.RemoveAll(each => each.Letters < _letters);
    }
}
