// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using KvmActors.Persistence.Postgres;

namespace KvmActors.Persistence.Tests.Postgres;

/// <summary>A PostgreSQL server of its own: on a free port of loopback, in a temporary folder, with a password that
/// nobody else knows, flushing as a real one does. Run as root it runs as another user, because PostgreSQL refuses
/// root.</summary>
public sealed class PrivatePostgres : IAsyncDisposable
{
    private const string User = "kvmactors";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kvmactors-postgres-");
    private readonly int _port = FreePort();
    private readonly string _host;
    private readonly string _data;
    private readonly (string Certificate, string Key)? _tls;
    private Process? _server;
    private Task _log = Task.CompletedTask;

    private PrivatePostgres((string Certificate, string Key)? tls, string host, string? data)
    {
        _tls = tls;
        _host = host;
        _data = data ?? Path.Combine(_folder.FullName, "data");
    }

    /// <summary>libpq's format; readable by this user alone.</summary>
    public string PasswordFile => Path.Combine(_folder.FullName, "passwords");

    public int Port => _port;

    /// <summary>False after it was killed, or ended by itself: a full disk may do that.</summary>
    public bool IsRunning => _server is { HasExited: false };

    private string CertificateFile => Path.Combine(_folder.FullName, "server.crt");

    private string KeyFile => Path.Combine(_folder.FullName, "server.key");

    /// <param name="tls">In PEM; null: a server without TLS.</param>
    /// <param name="host">An address of this machine below 127.0.0.0/8 on which it listens.</param>
    /// <param name="data">Folder to make its files in; null: a temporary one.</param>
    public static async Task<PrivatePostgres> StartAsync(
        (string Certificate, string Key)? tls = null, string host = "127.0.0.1", string? data = null)
    {
        PrivatePostgres server = new(tls, host, data);
        await server.CreateAsync();
        await server.RunAsync();
        return server;
    }

    /// <summary>A store that nobody else has, in a schema of its own.</summary>
    public PostgresAddress Address(string schema) =>
        new(_host, _port, "postgres", User, schema, PasswordFile: PasswordFile);

    /// <summary>The same as the command line takes it.</summary>
    public string Text(string schema) => $"{Address(schema)}{(schema == PostgresAddress.DefaultSchema ? '?' : '&')}"
        + $"passfile={Uri.EscapeDataString(PasswordFile)}";

    /// <summary>kill -9 of the server and of all its processes: what was not flushed is gone with them.</summary>
    public async Task KillAsync()
    {
        int[] all = [_server!.Id, .. _server.HasExited ? [] : ChildrenOf(_server.Id)];
        foreach (int process in all)
        {
            // Some end by themselves meanwhile: what kill says of them is not of interest.
            using Process kill = Process.Start(Own("kill", "-KILL", Text(process)))!;
            await kill.WaitForExitAsync().WaitAsync(s_patience);
        }

        await _server.WaitForExitAsync().WaitAsync(s_patience);
        await _log.WaitAsync(s_patience);
        _server.Dispose();
        _server = null;
    }

    /// <summary>Starts the server, which recovers by its log, and waits until it takes connections.</summary>
    public async Task RunAsync()
    {
        _server = Process.Start(Command(
            "postgres", "-D", _data, "-p", Text(_port), "-c", $"listen_addresses={_host}", "-c",
            "unix_socket_directories=", "-c", "fsync=on", "-c", "logging_collector=off", "-c", "max_connections=120",
            "-c", "shared_buffers=32MB", "-c", "log_min_messages=log", "-c", _tls is null ? "ssl=off" : "ssl=on",
            "-c", $"ssl_cert_file={CertificateFile}", "-c", $"ssl_key_file={KeyFile}"))!;
        TaskCompletionSource ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _log = ReadLogAsync(_server, ready);
        await ready.Task.WaitAsync(s_patience);
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await KillAsync();
        }

        _folder.Delete(recursive: true);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task ReadLogAsync(Process server, TaskCompletionSource ready)
    {
        List<string> lines = [];
        while (await server.StandardError.ReadLineAsync() is { } line)
        {
            lines.Add(line);
            if (line.Contains("ready to accept connections", StringComparison.Ordinal))
            {
                ready.TrySetResult();
            }
        }

        ready.TrySetException(new InvalidOperationException(
            $"Expected a PostgreSQL server to start, found:\n{string.Join('\n', lines)}"));
    }

    /// <summary>Direct children: every process of a server is one.</summary>
    private static IEnumerable<int> ChildrenOf(int parent) =>
    [
        .. File.ReadAllText($"/proc/{parent}/task/{parent}/children")
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(text => int.Parse(text, CultureInfo.InvariantCulture)),
    ];

    private static ProcessStartInfo Command(string program, params string[] arguments)
    {
        string path = PostgresPrograms.PathOf(program);
        string[] asOther = Environment.UserName == "root"
            ? ["setpriv", $"--reuid={OtherUser().User}", $"--regid={OtherUser().Group}", "--clear-groups", path]
            : [path];
        return Own(asOther[0], [.. asOther[1..], .. arguments]);
    }

    /// <summary>As this user.</summary>
    private static ProcessStartInfo Own(string program, params string[] arguments) => new(program, arguments)
    {
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        WorkingDirectory = "/",
    };

    /// <summary>User and group id.</summary>
    private static (string User, string Group) OtherUser() => File.ReadLines("/etc/passwd")
        .Select(line => line.Split(':'))
        .Where(fields => fields[0] is "postgres" or "nobody")
        .OrderBy(fields => fields[0] == "postgres" ? 0 : 1)
        .Select(fields => (fields[2], fields[3]))
        .First();

    private static async Task DoAsync(ProcessStartInfo command)
    {
        using Process process = Process.Start(command)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(s_patience);
        Assert.True(
            process.ExitCode == 0,
            $"{command.FileName} {string.Join(' ', command.ArgumentList)}: {await output}{await errors}");
    }

    private async Task CreateAsync()
    {
        string password = RandomNumberGenerator.GetHexString(32);
        string passwordForInit = Path.Combine(_folder.FullName, "first-password");
        await File.WriteAllTextAsync(passwordForInit, password);
        await File.WriteAllTextAsync(PasswordFile, $"*:*:*:{User}:{password}\n");
        Directory.CreateDirectory(_data);
        if (_tls is { } tls)
        {
            await File.WriteAllTextAsync(CertificateFile, tls.Certificate);
            await File.WriteAllTextAsync(KeyFile, tls.Key);
            await DoAsync(Own("chmod", "600", KeyFile));
        }

        if (Environment.UserName == "root")
        {
            await DoAsync(Own("chown", "-R", OtherUser().User, _folder.FullName, _data));
        }

        await DoAsync(Command(
            "initdb", "-D", _data, "-U", User, "-A", "scram-sha-256", $"--pwfile={passwordForInit}", "-E", "UTF8",
            "--locale=C.UTF-8", "--no-sync"));
        await DoAsync(Own("chmod", "600", PasswordFile));
        await File.AppendAllTextAsync(Path.Combine(_data, "pg_hba.conf"), "host all all 127.0.0.0/8 scram-sha-256\n");
    }
}
