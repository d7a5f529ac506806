// SPDX-License-Identifier: Apache-2.0

using System.Net;
using System.Net.Sockets;

namespace KvmActors.Host.Debug;

/// <summary>Listens for gdb on the loopback address, and serves one at a time.</summary>
/// <remarks>Whoever can reach the port can read the guest's memory: there is no other address it listens on. A gdb that
/// hangs up may come back; one that detaches or kills ends it.</remarks>
internal sealed class GdbServer : IDisposable
{
    private readonly TcpListener _listener;
    private readonly Action<string> _notice;

    /// <param name="port">0: one that is free.</param>
    /// <param name="notice">Is given lines for the person at the terminal; any thread may call it.</param>
    /// <exception cref="CliFault">The port is taken.</exception>
    public GdbServer(int port, Action<string> notice)
    {
        _notice = notice;
        _listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            _listener.Start();
        }
        catch (SocketException fault)
        {
            _listener.Dispose();
            throw new CliFault(
                $"Expected port {port} of 127.0.0.1 to be free, found that it is not: {fault.Message}. Choose another "
                + "by --port, or any that is free by --port 0.",
                fault);
        }
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public void Dispose() => _listener.Dispose();

    /// <summary>Serves until a gdb detaches or kills, or the token ends it.</summary>
    /// <param name="session">Makes the session of each gdb that comes.</param>
    /// <exception cref="OperationCanceledException">The token ended it.</exception>
    public async Task ServeAsync(Func<GdbSession> session, CancellationToken stop)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Task<bool>? serving = null;
        try
        {
            while (true)
            {
                Task<TcpClient> accepting = _listener.AcceptTcpClientAsync(ending.Token).AsTask();
                while (serving is not null && await Task.WhenAny(accepting, serving).ConfigureAwait(false) == serving)
                {
                    bool isDone = await serving.ConfigureAwait(false);
                    serving = null;
                    if (isDone)
                    {
                        return;
                    }

                    _notice("gdb hung up without a detach; it may come back.");
                }

                TcpClient client = await accepting.ConfigureAwait(false);
                if (serving is null)
                {
                    serving = ServeOneAsync(client, session(), ending.Token);
                }
                else
                {
                    _notice($"Refused a second gdb from {client.Client.RemoteEndPoint}: one at a time.");
                    client.Dispose();
                }
            }
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
            if (serving is not null)
            {
                await ((Task)serving).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private static async Task<bool> ServeOneAsync(TcpClient client, GdbSession session, CancellationToken stop)
    {
        using (client)
        {
            client.NoDelay = true;
            NetworkStream stream = client.GetStream();
            await using (stream.ConfigureAwait(false))
            {
                return await new GdbConnection(stream, session).ServeAsync(stop).ConfigureAwait(false);
            }
        }
    }
}
