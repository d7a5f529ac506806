// SPDX-License-Identifier: Apache-2.0

using System.Text;
using SQLitePCL;

namespace KvmActors.Persistence.Sqlite;

/// <summary>The row on which a statement stands, valid until its next step. Columns count from 0.</summary>
/// <remarks>A value that its column cannot have is damage: <see cref="StoreCorruptException"/>. Each call of SQLite
/// costs as much as what it gives; so the type is asked for only where the value alone does not tell that it is
/// there.</remarks>
internal readonly struct SqliteRow(sqlite3_stmt statement)
{
    internal bool IsNull(int column) => raw.sqlite3_column_type(statement, column) == raw.SQLITE_NULL;

    internal long GetInt64(int column)
    {
        // What is no number reads as 0.
        long value = raw.sqlite3_column_int64(statement, column);
        if (value == 0)
        {
            Expect(column, raw.SQLITE_INTEGER, "an integer");
        }

        return value;
    }

    internal int GetInt32(int column)
    {
        long value = GetInt64(column);
        return value == (int)value
            ? (int)value
            : throw Damage(column, "an integer of 32 bits", value.ToString(Culture));
    }

    internal string GetString(int column) => Encoding.UTF8.GetString(GetText(column));

    internal string? GetStringOrNull(int column) => IsNull(column) ? null : GetString(column);

    /// <summary>The UTF-8 bytes of a text, valid until the next step.</summary>
    internal ReadOnlySpan<byte> GetText(int column)
    {
        // The same call reads the bytes of a text and of a blob; of NULL there are none.
        ReadOnlySpan<byte> text = raw.sqlite3_column_blob(statement, column);
        if (text.IsEmpty)
        {
            Expect(column, raw.SQLITE_TEXT, "a text");
        }

        return text;
    }

    /// <summary>The bytes of a blob, valid until the next step.</summary>
    internal ReadOnlySpan<byte> GetBlob(int column)
    {
        ReadOnlySpan<byte> bytes = raw.sqlite3_column_blob(statement, column);
        if (bytes.IsEmpty)
        {
            Expect(column, raw.SQLITE_BLOB, "bytes");
        }

        return bytes;
    }

    internal byte[] GetBytes(int column) => GetBlob(column).ToArray();

    /// <returns>A long, a string, or a byte array; null for NULL.</returns>
    internal object? GetValue(int column)
    {
        int type = raw.sqlite3_column_type(statement, column);
        return type switch
        {
            raw.SQLITE_NULL => null,
            raw.SQLITE_INTEGER => GetInt64(column),
            raw.SQLITE_TEXT => GetString(column),
            raw.SQLITE_BLOB => GetBytes(column),
            _ => throw Damage(column, "an integer, a text, bytes or nothing", NameOf(type)),
        };
    }

    private static IFormatProvider Culture => System.Globalization.CultureInfo.InvariantCulture;

    private static string NameOf(int type) => type switch
    {
        raw.SQLITE_NULL => "nothing",
        raw.SQLITE_INTEGER => "an integer",
        raw.SQLITE_TEXT => "a text",
        raw.SQLITE_BLOB => "bytes",
        _ => "a fraction",
    };

    private void Expect(int column, int type, string name)
    {
        int found = raw.sqlite3_column_type(statement, column);
        if (found != type)
        {
            throw Damage(column, name, NameOf(found));
        }
    }

    private StoreCorruptException Damage(int column, string expected, string found) => new(
        $"A row holds a value that its column cannot have: expected {expected} in "
        + $"{raw.sqlite3_column_name(statement, column).utf8_to_string()}, found {found}. Restore the store from a "
        + "backup.");
}
