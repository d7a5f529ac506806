// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;

namespace KvmActors.Persistence.Postgres;

/// <summary>Where a store is: server, database and schema, and how to log in. Never holds a password: that is in a
/// password file, or in PGPASSWORD.</summary>
/// <param name="Host">Name, IP address, or the folder of a Unix socket (begins with '/').</param>
/// <param name="Schema">The tables' own schema, so that a database can hold several stores, and other things.</param>
/// <param name="PasswordFile">In libpq's format (host:port:database:user:password); null: PGPASSFILE, ~/.pgpass, or
/// none.</param>
/// <param name="RootCertificate">PEM file of the authority that signed the server's certificate; null: the
/// machine's.</param>
public sealed partial record PostgresAddress(
    string Host,
    int Port,
    string Database,
    string User,
    string Schema = PostgresAddress.DefaultSchema,
    PostgresSsl Ssl = PostgresSsl.Auto,
    string? PasswordFile = null,
    string? RootCertificate = null)
{
    public const string DefaultSchema = "kvmactors";

    public const int DefaultPort = 5432;

    private const string Form =
        "postgres://USER@HOST[:PORT]/DATABASE[?schema=NAME&sslmode=MODE&sslrootcert=FILE&passfile=FILE]";

    private static readonly (string Word, PostgresSsl Mode)[] s_modes =
    [
        ("auto", PostgresSsl.Auto),
        ("disable", PostgresSsl.Disable),
        ("require", PostgresSsl.Require),
        ("verify-ca", PostgresSsl.VerifyCa),
        ("verify-full", PostgresSsl.VerifyFull),
    ];

    /// <summary><see cref="Ssl"/> as addresses and configurations write it.</summary>
    public string SslMode => Array.Find(s_modes, mode => mode.Mode == Ssl).Word;

    /// <summary>What the server is asked for: <see cref="PostgresSsl.Auto"/> is decided by the host.</summary>
    internal PostgresSsl SslInForce => Ssl != PostgresSsl.Auto ? Ssl
        : IsLocal ? PostgresSsl.Disable
        : PostgresSsl.VerifyFull;

    private bool IsLocal => Host.StartsWith('/') || Host == "localhost"
        || (IPAddress.TryParse(Host, out IPAddress? ip) && IPAddress.IsLoopback(ip));

    /// <summary>Whether a text names a PostgreSQL store, and not a file.</summary>
    public static bool IsAddress(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.StartsWith("postgres://", StringComparison.Ordinal)
            || text.StartsWith("postgresql://", StringComparison.Ordinal);
    }

    /// <returns>Whether the tables may lie in a schema of this name: 1 to 63 of a-z, 0-9 and '_', first a
    /// letter.</returns>
    public static bool IsSchemaName(string name) => SchemaPattern().IsMatch(name);

    /// <summary>Reads "postgres://USER@HOST:PORT/DATABASE?…".</summary>
    /// <exception cref="FormatException">It is none; the message says what is wrong.</exception>
    public static PostgresAddress Parse(string text)
    {
        if (!IsAddress(text) || !Uri.TryCreate(text, UriKind.Absolute, out Uri? uri))
        {
            throw Wrong($"found \"{text}\"");
        }

        if (uri.UserInfo.Contains(':', StringComparison.Ordinal))
        {
            throw Wrong(
                "found a password in it, which every user of the machine could read from the list of processes. Write "
                + "it into a password file (passfile=FILE, PGPASSFILE or ~/.pgpass)");
        }

        string user = Uri.UnescapeDataString(uri.UserInfo);
        string database = Uri.UnescapeDataString(uri.AbsolutePath.TrimStart('/'));
        if (user.Length == 0 || database.Length == 0 || uri.Host.Length == 0)
        {
            throw Wrong($"found no {(user.Length == 0 ? "user" : database.Length == 0 ? "database" : "host")} in it");
        }

        PostgresAddress address = new(
            uri.HostNameType == UriHostNameType.IPv6 ? uri.Host.Trim('[', ']') : uri.Host,
            uri.IsDefaultPort || uri.Port < 0 ? DefaultPort : uri.Port,
            database,
            user);
        foreach (string setting in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            address = address.With(setting);
        }

        return address;
    }

    /// <summary>The address as <see cref="Parse"/> reads it.</summary>
    public override string ToString()
    {
        string host = Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host;
        string schema = Schema == DefaultSchema ? "" : $"?schema={Schema}";
        return string.Create(
            CultureInfo.InvariantCulture, $"postgres://{Uri.EscapeDataString(User)}@{host}:{Port}/{Database}{schema}");
    }

    private static FormatException Wrong(string found) =>
        new($"Expected the address of a store as {Form}, {found}.");

    private PostgresAddress With(string setting)
    {
        int equals = setting.IndexOf('=', StringComparison.Ordinal);
        string name = equals < 0 ? setting : setting[..equals];
        string value = equals < 0 ? "" : Uri.UnescapeDataString(setting[(equals + 1)..]);
        return name switch
        {
            "schema" when IsSchemaName(value) => this with { Schema = value },
            "schema" => throw Wrong($"found the schema \"{value}\": choose 1 to 63 of a-z, 0-9 and '_'"),
            "sslmode" when Array.Exists(s_modes, mode => mode.Word == value) =>
                this with { Ssl = Array.Find(s_modes, mode => mode.Word == value).Mode },
            "sslmode" => throw Wrong(
                $"found sslmode={value}: choose {string.Join(", ", s_modes.Select(mode => mode.Word))}"),
            "sslrootcert" => this with { RootCertificate = value },
            "passfile" => this with { PasswordFile = value },
            _ => throw Wrong($"found \"{name}\" in it"),
        };
    }

    [GeneratedRegex("^[a-z][a-z0-9_]{0,62}$")]
    private static partial Regex SchemaPattern();
}
