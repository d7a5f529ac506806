// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Postgres;

/// <summary>How a connection to PostgreSQL is protected. The names are libpq's. Source: postgresql.org, "SSL Mode
/// Descriptions".</summary>
public enum PostgresSsl
{
    /// <summary>None on loopback and on a Unix socket, <see cref="VerifyFull"/> everywhere else.</summary>
    Auto = 0,

    /// <summary>Plain text: the journal, guests' memory and the password's proof can be read on the way.</summary>
    Disable = 1,

    /// <summary>Encrypted, but whoever answers is believed to be the server.</summary>
    Require = 2,

    /// <summary>The server's certificate must come from a known authority.</summary>
    VerifyCa = 3,

    /// <summary>It must also be that of the host that was asked for.</summary>
    VerifyFull = 4,
}
