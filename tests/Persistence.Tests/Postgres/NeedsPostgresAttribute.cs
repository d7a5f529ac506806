// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Tests.Postgres;

/// <summary>Marks a class whose contract tests (<see cref="Stores.StoreFactAttribute"/>) need a PostgreSQL
/// server.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class NeedsPostgresAttribute : Attribute;
