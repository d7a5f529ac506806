// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Sqlite;

/// <summary>What a <see cref="SqliteValue"/> is to SQLite.</summary>
internal enum SqliteValueKind
{
    Null = 0,
    Integer = 1,
    Text = 2,
    Blob = 3,
}
