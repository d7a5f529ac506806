// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Persistence.Membership;
using Npgsql;

namespace KvmActors.Persistence.Postgres;

/// <summary>A server, and how connections to it are made: their settings, and their number.</summary>
/// <remarks>Each connection says itself what its commits mean (synchronous_commit) and how long the server may work or
/// wait for it, so that a default of server, database or role cannot weaken it.</remarks>
internal sealed class PostgresServer : IAsyncDisposable
{
    /// <summary>The client waits that much longer than the server works: the server knows what it did.</summary>
    private const int ClientPatienceSeconds = 2;

    private const int StatementsPrepared = 64;

    /// <summary>Counting a whole store takes as long as it takes.</summary>
    private static readonly TimeSpan s_upkeepPatience = TimeSpan.FromHours(1);

    private readonly NpgsqlDataSource _readers;
    private readonly NpgsqlDataSource _writers;
    private readonly NpgsqlDataSource _members;
    private readonly NpgsqlDataSource _upkeep;

    private readonly LeaseClock? _clock;
    private readonly PostgresStoreOptions _options;

    internal PostgresServer(PostgresAddress address, PostgresStoreOptions options, bool readOnly)
    {
        Address = address;
        _options = options;
        _clock = options.Clock is { } time ? new LeaseClock(time) : null;
        _readers = NpgsqlDataSource.Create(Settings("reads", options.Readers, readOnly));
        _writers = NpgsqlDataSource.Create(Settings("writes", options.Writers, readOnly));
        _members = NpgsqlDataSource.Create(Settings("membership", size: 1, readOnly));
        _upkeep = NpgsqlDataSource.Create(Settings("upkeep", size: 1, readOnly, s_upkeepPatience));
    }

    internal PostgresAddress Address { get; }

    /// <summary>Null: the server's own clock.</summary>
    internal long? ClockNowMs => _clock?.NowMs;

    /// <summary>The parameter that stands for a clock, or for none.</summary>
    internal object ClockParameter => ClockNowMs is { } now ? now : PostgresSession.NoNumber;

    /// <summary>Milliseconds since 1970, for the age of replies; or no number: the server's own clock.</summary>
    internal object WallClockParameter =>
        _options.Clock is { } time ? time.GetUtcNow().ToUnixTimeMilliseconds() : PostgresSession.NoNumber;

    /// <exception cref="StoreUnavailableException">The server cannot be reached.</exception>
    internal Task<PostgresSession> ConnectWriterAsync(CancellationToken cancellationToken) =>
        ConnectAsync(_writers, cancellationToken);

    /// <summary>Reads, or does what is no commit of a VM.</summary>
    internal Task<T> RunAsync<T>(
        Func<PostgresSession, Task<T>> work, bool writes, CancellationToken cancellationToken) =>
        RunAsync(_readers, work, writes, cancellationToken);

    /// <summary>Membership has a connection of its own: a late lease costs a node its VMs.</summary>
    internal Task<T> RunMemberAsync<T>(Func<PostgresSession, Task<T>> work, CancellationToken cancellationToken) =>
        RunAsync(_members, work, writes: true, cancellationToken);

    /// <summary>Opens, counts and collects.</summary>
    internal Task<T> RunUpkeepAsync<T>(
        Func<PostgresSession, Task<T>> work, bool writes, CancellationToken cancellationToken) =>
        RunAsync(_upkeep, work, writes, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _upkeep.DisposeAsync().ConfigureAwait(false);
        await _readers.DisposeAsync().ConfigureAwait(false);
        await _writers.DisposeAsync().ConfigureAwait(false);
        await _members.DisposeAsync().ConfigureAwait(false);
    }

    private async Task<T> RunAsync<T>(
        NpgsqlDataSource source,
        Func<PostgresSession, Task<T>> work,
        bool writes,
        CancellationToken cancellationToken)
    {
        await using PostgresSession session = await ConnectAsync(source, cancellationToken).ConfigureAwait(false);
        try
        {
            return await work(session).ConfigureAwait(false);
        }
        catch (Exception fault) when (PostgresFault.IsOfStore(fault)
            || (fault is InvalidOperationException && !session.IsOpen))
        {
            // A connection that breaks between two statements of one call is found closed by the second one.
            throw writes ? PostgresFault.AtWrite(fault, Address) : PostgresFault.AtRead(fault, Address);
        }
    }

    private async Task<PostgresSession> ConnectAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        try
        {
            return new PostgresSession(await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false));
        }
        catch (Exception fault) when (PostgresFault.IsOfStore(fault))
        {
            throw PostgresFault.AtConnecting(fault, Address);
        }
    }

    private string Settings(string use, int size, bool readOnly, TimeSpan? patience = null)
    {
        TimeSpan statement = patience ?? _options.StatementTimeout;
        int idleMs = (int)_options.StatementTimeout.TotalMilliseconds;
        string options = string.Create(
            CultureInfo.InvariantCulture,
            $"-c synchronous_commit={(_options.WaitForStandbyToApply ? "remote_apply" : "on")} "
            + $"-c statement_timeout={(int)statement.TotalMilliseconds} "
            + $"-c idle_in_transaction_session_timeout={idleMs} "
            + $"-c default_transaction_isolation=read\\ committed -c jit=off -c client_min_messages=warning "
            + $"-c default_transaction_read_only={(readOnly ? "on" : "off")}");
        return new NpgsqlConnectionStringBuilder
        {
            Host = Address.Host,
            Port = Address.Port,
            Database = Address.Database,
            Username = Address.User,
            SearchPath = Address.Schema,
            Passfile = Address.PasswordFile,
            SslMode = Address.SslInForce switch
            {
                PostgresSsl.Disable => SslMode.Disable,
                PostgresSsl.Require => SslMode.Require,
                PostgresSsl.VerifyCa => SslMode.VerifyCA,
                _ => SslMode.VerifyFull,
            },
            RootCertificate = Address.RootCertificate,
            ApplicationName = $"kvmactors {use}",
            MaxPoolSize = size,
            Timeout = Math.Max(1, (int)_options.ConnectTimeout.TotalSeconds),
            CommandTimeout = (int)Math.Ceiling(statement.TotalSeconds) + ClientPatienceSeconds,
            TcpKeepAlive = true,
            MaxAutoPrepare = StatementsPrepared,
            AutoPrepareMinUsages = 2,
            Options = options,
        }.ConnectionString;
    }
}
