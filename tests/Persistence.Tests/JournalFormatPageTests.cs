// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Text.RegularExpressions;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Snapshots;
using KvmActors.Persistence.Sqlite;
using Microsoft.Data.Sqlite;

namespace KvmActors.Persistence.Tests;

/// <summary>docs/journal-format.md says what the code does.</summary>
public sealed partial class JournalFormatPageTests : IDisposable
{
    private static readonly string s_page = File.ReadAllText(
        Path.Combine(AppContext.BaseDirectory, "journal-format.md"));

    private readonly StoreFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void It_lists_every_kind_by_its_number()
    {
        IEnumerable<string> listed = KindLine().Matches(s_page)
            .Select(line => $"{line.Groups[1].Value} {line.Groups[2].Value}");

        Assert.Equal(
            Enum.GetValues<EventKind>()
                .Select(kind => string.Create(CultureInfo.InvariantCulture, $"{(int)kind} {kind}")),
            listed);
    }

    [Fact]
    public void Its_numbers_are_the_codes()
    {
        Assert.Contains(
            string.Create(CultureInfo.InvariantCulture, $"application id `0x{SqliteSchema.ApplicationId:X}`"),
            s_page,
            StringComparison.Ordinal);
        Assert.Contains(
            string.Create(CultureInfo.InvariantCulture, $"schema version {SqliteSchema.Version} "),
            s_page,
            StringComparison.Ordinal);
        Assert.Contains(
            string.Create(CultureInfo.InvariantCulture, $"at most {EventCodec.PayloadBytesMax} bytes"),
            s_page,
            StringComparison.Ordinal);
        Assert.Contains(
            string.Create(CultureInfo.InvariantCulture, $"Every kind has version {EventCodec.VersionLatest} "),
            s_page,
            StringComparison.Ordinal);
        Assert.Contains(
            string.Create(
                CultureInfo.InvariantCulture, $"the version {SnapshotCodec.VersionLatest} (4, little-endian)"),
            s_page,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_names_every_column_of_every_table()
    {
        await using (await SqliteStore.OpenAsync(_folder.StorePath, new SqliteStoreOptions(), TimeProvider.System))
        {
        }

        using var connection = new SqliteConnection($"Data Source={_folder.StorePath};Pooling=False");
        await connection.OpenAsync();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText =
            "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table'";
        using SqliteDataReader row = await command.ExecuteReaderAsync();
        int columns = 0;
        while (await row.ReadAsync())
        {
            columns++;
            Assert.Contains($"**{row.GetString(0)}**", s_page, StringComparison.Ordinal);
            Assert.Matches($"[`, ]{row.GetString(1)}[`, ]", s_page);
        }

        Assert.Equal(52, columns);
    }

    [GeneratedRegex(@"^\| (\d+) \| ([A-Z]\w+) \| (?:VM|vCPU|all) \|", RegexOptions.Multiline)]
    private static partial Regex KindLine();
}
