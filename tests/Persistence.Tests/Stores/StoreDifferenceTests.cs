// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Persistence.InMemory;
using KvmActors.Persistence.Sqlite;

namespace KvmActors.Persistence.Tests.Stores;

/// <summary>Every store answers as the one in memory does, whatever is asked.</summary>
public sealed class StoreDifferenceTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    public static TheoryData<int> Seeds
    {
        get
        {
            string? given = Environment.GetEnvironmentVariable("KVMACTORS_SEED");
            return given is null ? [1, 2, 3] : [int.Parse(given, CultureInfo.InvariantCulture)];
        }
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Sqlite_and_memory_answer_alike(int seed)
    {
        StoreDifference difference = new();
        await using var memory = new InMemoryStore(difference.Clock);
        await using SqliteStore sqlite = await SqliteStore.OpenAsync(
            _folder.StorePath,
            new SqliteStoreOptions { Synchronous = SqliteSynchronous.Normal, BootId = InMemoryStore.BootId },
            difference.Clock);

        await difference.CompareAsync(memory, sqlite, "sqlite", seed);
    }
}
