// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Postgres;
using KvmActors.Persistence.Tests.Postgres;

namespace KvmActors.Persistence.Tests.Stores;

[NeedsPostgres]
[Collection(PostgresTests.Name)]
public sealed class PostgresStoreTests(PostgresFixture postgres) : StoreContract
{
    protected override async Task<IStore> OpenAsync() => await PostgresStore.OpenAsync(
        postgres.NewAddress(), new PostgresStoreOptions { Clock = Clock });
}
