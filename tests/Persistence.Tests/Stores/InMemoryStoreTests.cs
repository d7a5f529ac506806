// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.InMemory;

namespace KvmActors.Persistence.Tests.Stores;

public sealed class InMemoryStoreTests : StoreContract
{
    protected override Task<IStore> OpenAsync() => Task.FromResult<IStore>(new InMemoryStore(Clock));
}
