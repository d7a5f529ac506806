// SPDX-License-Identifier: Apache-2.0

using System.Threading.Channels;

namespace KvmActors.Host.Debug;

/// <summary>One gdb over a stream of bytes: reads frames, has them answered, sends the answers.</summary>
/// <param name="stream">The caller closes it.</param>
internal sealed class GdbConnection(Stream stream, GdbSession session)
{
    private const int ReadBytes = 4096;

    /// <summary>Frames that gdb may be ahead.</summary>
    private const int WaitingMax = 16;

    /// <summary>How often gdb may ask for the same packet once more before it is hung up on.</summary>
    private const int ResendsMax = 10;

    private static readonly TimeSpan s_sign = TimeSpan.FromSeconds(1);
    private static readonly GdbReply s_waitOn = GdbReply.Of("O");

    private readonly Channel<GdbFrame> _frames = Channel.CreateBounded<GdbFrame>(
        new BoundedChannelOptions(WaitingMax) { SingleWriter = true });

    private ReadOnlyMemory<byte> _lastSent;
    private int _resends;

    /// <summary>Serves until gdb is done, the stream ends, or it is told to stop.</summary>
    /// <returns>True where gdb said that it is done with the guest; false where the connection ended.</returns>
    public async Task<bool> ServeAsync(CancellationToken stop)
    {
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Task pump = PumpAsync(reading.Token);
        try
        {
            while (await NextAsync(stop).ConfigureAwait(false) is { } frame)
            {
                if (await MeetAsync(frame, stop).ConfigureAwait(false))
                {
                    return true;
                }
            }

            return false;
        }
        catch (IOException)
        {
            // gdb hung up.
            return false;
        }
        finally
        {
            await reading.CancelAsync().ConfigureAwait(false);
            await pump.ConfigureAwait(false);
        }
    }

    /// <summary>The next frame, or null at the stream's end.</summary>
    private async Task<GdbFrame?> NextAsync(CancellationToken stop)
    {
        while (await _frames.Reader.WaitToReadAsync(stop).ConfigureAwait(false))
        {
            if (_frames.Reader.TryRead(out GdbFrame? frame))
            {
                return frame;
            }
        }

        return null;
    }

    private async Task PumpAsync(CancellationToken stop)
    {
        GdbFrameDecoder decoder = new();
        byte[] bytes = new byte[ReadBytes];
        try
        {
            int count;
            while ((count = await stream.ReadAsync(bytes, stop).ConfigureAwait(false)) > 0)
            {
                for (int i = 0; i < count; i++)
                {
                    if (decoder.Push(bytes[i]) is { } frame)
                    {
                        await _frames.Writer.WriteAsync(frame, stop).ConfigureAwait(false);
                    }
                }
            }
        }
        catch (Exception fault) when (fault is IOException or OperationCanceledException)
        {
            // The end of the stream, in one of its forms: the reader of the channel sees it.
        }
        finally
        {
            _frames.Writer.Complete();
        }
    }

    /// <returns>True where gdb is done with the guest.</returns>
    private async Task<bool> MeetAsync(GdbFrame frame, CancellationToken stop)
    {
        switch (frame)
        {
            case GdbFrame.Packet packet:
                _resends = 0;
                return await AnswerAsync(packet.Payload, stop).ConfigureAwait(false);
            case GdbFrame.Resend:
                if (++_resends > ResendsMax)
                {
                    throw new IOException($"Expected gdb to take a packet, found it refused {ResendsMax} times.");
                }

                await stream.WriteAsync(_lastSent, stop).ConfigureAwait(false);
                return false;
            case GdbFrame.Damaged damaged when session.IsWithoutAcknowledgement:
                await SendAsync(GdbReply.Refused(damaged.Why), stop).ConfigureAwait(false);
                return false;
            case GdbFrame.Damaged:
                await stream.WriteAsync("-"u8.ToArray(), stop).ConfigureAwait(false);
                return false;
            default:
                // An acknowledgement, or a Ctrl-C that crossed the answer to what it should have interrupted.
                return false;
        }
    }

    private async Task<bool> AnswerAsync(ReadOnlyMemory<byte> payload, CancellationToken stop)
    {
        if (!session.IsWithoutAcknowledgement)
        {
            await stream.WriteAsync("+"u8.ToArray(), stop).ConfigureAwait(false);
        }

        using var interrupt = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Task<GdbReply> answering = Task.Run(() => session.AnswerAsync(payload, interrupt.Token), stop);
        await WatchAsync(answering, payload.Span.StartsWith("qRcmd,"u8), interrupt, stop).ConfigureAwait(false);
        GdbReply reply = await answering.ConfigureAwait(false);
        await SendAsync(reply, stop).ConfigureAwait(false);
        return reply.EndsSession;
    }

    /// <summary>Looks for a Ctrl-C, or the stream's end, until the answer is there.</summary>
    /// <param name="isMonitor">gdb waits for two seconds and then complains: empty output tells it to wait on.</param>
    private async Task WatchAsync(
        Task answering, bool isMonitor, CancellationTokenSource interrupt, CancellationToken stop)
    {
        Task<bool>? waiting = null;
        while (!answering.IsCompleted)
        {
            waiting ??= _frames.Reader.WaitToReadAsync(stop).AsTask();
            Task sign = isMonitor ? Task.Delay(s_sign, stop) : answering;
            Task first = await Task.WhenAny(answering, waiting, sign).ConfigureAwait(false);
            if (first == waiting)
            {
                bool isOpen = waiting.IsCompletedSuccessfully && waiting.Result;
                waiting = null;
                if (!isOpen || await DrainAsync(interrupt).ConfigureAwait(false))
                {
                    await (isOpen ? Task.CompletedTask : interrupt.CancelAsync()).ConfigureAwait(false);
                    return;
                }
            }
            else if (first != answering)
            {
                await SendAsync(s_waitOn, stop).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Takes what is no packet; a Ctrl-C interrupts.</summary>
    /// <returns>True where a packet came too early: it has to wait for the answer.</returns>
    private async Task<bool> DrainAsync(CancellationTokenSource interrupt)
    {
        while (_frames.Reader.TryPeek(out GdbFrame? frame))
        {
            if (frame is GdbFrame.Packet)
            {
                return true;
            }

            _frames.Reader.TryRead(out _);
            if (frame is GdbFrame.Interrupt)
            {
                await interrupt.CancelAsync().ConfigureAwait(false);
            }
        }

        return false;
    }

    private async Task SendAsync(GdbReply reply, CancellationToken stop)
    {
        foreach (ReadOnlyMemory<byte> payload in reply.Payloads)
        {
            _lastSent = GdbFrameEncoder.Encode(payload.Span);
            await stream.WriteAsync(_lastSent, stop).ConfigureAwait(false);
        }
    }
}
