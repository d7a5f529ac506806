// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace KvmActors.Benchmarks.Cluster;

/// <summary>Two processes of QEMU without KVM, one of which hands its guest to the other.</summary>
internal sealed class QemuPair
{
    private const string Program = "qemu-system-x86_64";

    public static bool IsInstalled { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(':')
        .Any(folder => File.Exists(Path.Combine(folder, Program)));

    /// <returns>Both in milliseconds, as QEMU reports them.</returns>
    public static async Task<(double Downtime, double Total)> MoveAsync(string folder, byte[] image, ulong memory)
    {
        string kernel = Path.Combine(folder, "guest.elf");
        await File.WriteAllBytesAsync(kernel, image);
        int port = FreePort();
        string console = Path.Combine(folder, "console");
        File.Delete(console);
        using Monitored source = await Monitored.StartAsync(folder, "source", kernel, memory, $"file:{console}", []);
        using Monitored target = await Monitored.StartAsync(
            folder, "target", kernel, memory, "null", ["-incoming", $"tcp:127.0.0.1:{port}"]);
        while (!File.Exists(console) || new FileInfo(console).Length == 0)
        {
            await Task.Delay(50);
        }

        await source.CallAsync("migrate-set-parameters", new { downtime_limit = 300 });
        await source.CallAsync("migrate", new { uri = $"tcp:127.0.0.1:{port}" });
        while (true)
        {
            JsonElement state = await source.CallAsync("query-migrate", null);
            string status = state.GetProperty("status").GetString()!;
            if (status == "completed")
            {
                return (state.GetProperty("downtime").GetDouble(), state.GetProperty("total-time").GetDouble());
            }

            if (status is "failed" or "cancelled")
            {
                throw new InvalidOperationException($"QEMU's migration ended as {status}: {state}");
            }

            await Task.Delay(20);
        }
    }

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>One process with its monitor (QMP).</summary>
    private sealed class Monitored : IDisposable
    {
        private readonly Process _process;
        private readonly Socket _socket;
        private readonly StreamReader _reader;
        private readonly StreamWriter _writer;

        private Monitored(Process process, Socket socket)
        {
            _process = process;
            _socket = socket;
            NetworkStream stream = new(socket);
            _reader = new StreamReader(stream);
            _writer = new StreamWriter(stream) { AutoFlush = true };
        }

        public static async Task<Monitored> StartAsync(
            string folder, string name, string kernel, ulong memory, string serial, string[] more)
        {
            string path = Path.Combine(folder, $"{name}.qmp");
            File.Delete(path);
            var process = Process.Start(
                Program,
                [
                    "-accel", "tcg,thread=single", "-m", (memory >> 20).ToString(CultureInfo.InvariantCulture),
                    "-kernel", kernel, "-display", "none", "-serial", serial, "-net", "none",
                    "-qmp", $"unix:{path},server=on,wait=off", .. more,
                ]);
            while (!File.Exists(path))
            {
                await Task.Delay(20);
            }

            Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
            Monitored monitored = new(process, socket);
            _ = await monitored._reader.ReadLineAsync();
            await monitored.CallAsync("qmp_capabilities", null);
            return monitored;
        }

        /// <returns>What is under "return".</returns>
        public async Task<JsonElement> CallAsync(string command, object? arguments)
        {
            string text = JsonSerializer.Serialize(
                arguments is null ? (object)new { execute = command } : new { execute = command, arguments });
            await _writer.WriteLineAsync(text.Replace('_', '-').Replace("qmp-capabilities", "qmp_capabilities"));
            while (true)
            {
                string line = await _reader.ReadLineAsync()
                    ?? throw new InvalidOperationException($"QEMU ended at {command}.");
                JsonElement answer = JsonDocument.Parse(line).RootElement;
                if (answer.TryGetProperty("return", out JsonElement returned))
                {
                    return returned;
                }

                if (answer.TryGetProperty("error", out JsonElement error))
                {
                    throw new InvalidOperationException($"QEMU refused {command}: {error}");
                }
            }
        }

        public void Dispose()
        {
            _reader.Dispose();
            _socket.Dispose();
            if (!_process.HasExited)
            {
                _process.Kill();
                _process.WaitForExit();
            }

            _process.Dispose();
        }
    }
}
