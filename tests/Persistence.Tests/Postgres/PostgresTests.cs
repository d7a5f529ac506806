// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Tests.Postgres;

/// <summary>The tests that share one server.</summary>
[CollectionDefinition(Name)]
public sealed class PostgresTests : ICollectionFixture<PostgresFixture>
{
    public const string Name = "postgres";
}
