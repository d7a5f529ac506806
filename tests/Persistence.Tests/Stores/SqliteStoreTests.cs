// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Sqlite;

namespace KvmActors.Persistence.Tests.Stores;

public sealed class SqliteStoreTests : StoreContract, IDisposable
{
    private readonly StoreFolder _folder = new();

    protected override async Task<IStore> OpenAsync() => await SqliteStore.OpenAsync(
        _folder.StorePath, new SqliteStoreOptions { Synchronous = SqliteSynchronous.Normal }, Clock);

    public void Dispose() => _folder.Dispose();
}
