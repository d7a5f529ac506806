// SPDX-License-Identifier: Apache-2.0

using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using KvmActors.Host.Debug;

namespace KvmActors.Host.Tests.Debug;

/// <summary>The server over real sockets.</summary>
public sealed class GdbServerTests : IAsyncLifetime, IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly BlockingTarget _target = new(DuetRecording.Open());
    private readonly ConcurrentQueue<string> _notices = [];
    private readonly CancellationTokenSource _stop = new(s_patience);
    private readonly GdbServer _server;
    private Task _serving = Task.CompletedTask;

    public GdbServerTests() => _server = new GdbServer(0, _notices.Enqueue);

    public Task InitializeAsync()
    {
        _serving = _server.ServeAsync(
            () => new GdbSession(_target, RegisterLayout.X8664, _notices.Enqueue), _stop.Token);
        return Task.CompletedTask;
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose()
    {
        _server.Dispose();
        _stop.Dispose();
        _target.Dispose();
    }

    private async Task<TcpClient> ConnectAsync()
    {
        TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, _server.Port, _stop.Token);
        return client;
    }

    private Task SendAsync(TcpClient client, string bytes) =>
        client.GetStream().WriteAsync(Encoding.Latin1.GetBytes(bytes), _stop.Token).AsTask();

    private async Task<string> ReceiveAsync(TcpClient client, string until)
    {
        StringBuilder text = new();
        byte[] next = new byte[1];
        while (!text.ToString().EndsWith(until, StringComparison.Ordinal))
        {
            int count = await client.GetStream().ReadAsync(next, _stop.Token);
            Assert.True(count > 0, $"Expected \"{until}\", found the end behind \"{text}\".");
            text.Append((char)next[0]);
        }

        return text.ToString();
    }

    /// <summary>The answer to qC, or nothing where the server hangs up.</summary>
    private async Task<string> TryAskAsync(TcpClient client)
    {
        try
        {
            await SendAsync(client, "+$qC#b4");
            byte[] bytes = new byte[8];
            int count = await client.GetStream().ReadAtLeastAsync(
                bytes, bytes.Length, throwOnEndOfStream: false, _stop.Token);
            return Encoding.Latin1.GetString(bytes, 0, count);
        }
        catch (IOException)
        {
            return "";
        }
    }

    [Fact]
    public async Task Packets_are_acknowledged_until_gdb_wants_it_no_more()
    {
        using TcpClient client = await ConnectAsync();

        await SendAsync(client, "+$qC#b4");
        Assert.Equal("+$QC1#c5", await ReceiveAsync(client, "#c5"));
        await SendAsync(client, "-");
        Assert.Equal("$QC1#c5", await ReceiveAsync(client, "#c5"));
        await SendAsync(client, "+$qC#00");
        Assert.Equal("-", await ReceiveAsync(client, "-"));
        await SendAsync(client, "$QStartNoAckMode#b0");
        Assert.Equal("+$OK#9a", await ReceiveAsync(client, "#9a"));
        await SendAsync(client, "+$qC#b4");
        Assert.Equal("$QC1#c5", await ReceiveAsync(client, "#c5"));
        await SendAsync(client, "$qC#00");
        Assert.StartsWith(
            "$E.Expected the checksum b4, found 00.", await ReceiveAsync(client, "#"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ctrl_C_stops_a_guest_that_runs()
    {
        using TcpClient client = await ConnectAsync();
        await SendAsync(client, "$vCont;c#a8");
        await _target.Running.WaitAsync(_stop.Token);

        await SendAsync(client, "\u0003");

        Assert.StartsWith("+$T02thread:1;", await ReceiveAsync(client, "#"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_gdb_is_refused_and_the_person_at_the_server_is_told()
    {
        using TcpClient first = await ConnectAsync();
        await SendAsync(first, "+$qC#b4");
        await ReceiveAsync(first, "#c5");

        using TcpClient second = await ConnectAsync();

        Assert.Equal(0, await second.GetStream().ReadAsync(new byte[1], _stop.Token));
        Assert.StartsWith("Refused a second gdb from 127.0.0.1:", Assert.Single(_notices), StringComparison.Ordinal);
        await SendAsync(first, "+$qC#b4");
        Assert.Equal("+$QC1#c5", await ReceiveAsync(first, "#c5"));
    }

    [Fact]
    public async Task A_gdb_that_hung_up_while_the_guest_ran_may_come_back()
    {
        using (TcpClient first = await ConnectAsync())
        {
            await SendAsync(first, "$vCont;c#a8");
            await _target.Running.WaitAsync(_stop.Token);
        }

        await _target.Stopped.WaitAsync(_stop.Token);

        // While the first is cleared away the second is refused, and comes again.
        string answer = "";
        while (answer.Length == 0)
        {
            using TcpClient second = await ConnectAsync();
            answer = await TryAskAsync(second);
        }

        Assert.Equal("+$QC1#c5", answer);
    }

    [Theory]
    [InlineData("$D#44", "+$OK#9a")]
    [InlineData("$vKill;1#6e", "+$OK#9a")]
    [InlineData("$k#6b", "+")]
    public async Task Detach_and_kill_end_the_server(string packet, string answer)
    {
        using TcpClient client = await ConnectAsync();
        await SendAsync(client, packet);

        Assert.Equal(answer, await ReceiveAsync(client, answer));
        await _serving;
    }

    [Fact]
    public async Task The_token_ends_a_server_whose_guest_runs()
    {
        using TcpClient client = await ConnectAsync();
        await SendAsync(client, "$vCont;c#a8");
        await _target.Running.WaitAsync(_stop.Token);

        await _stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _serving);
        await _target.Stopped;
    }

    [Fact]
    public void A_port_that_is_taken_is_named()
    {
        CliFault fault = Assert.Throws<CliFault>(() => new GdbServer(_server.Port, _ => { }));

        Assert.StartsWith(
            $"Expected port {_server.Port} of 127.0.0.1 to be free, found that it is not", fault.Message,
            StringComparison.Ordinal);
    }
}
