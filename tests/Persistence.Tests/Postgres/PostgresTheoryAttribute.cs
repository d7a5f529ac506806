// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Tests.Postgres;

/// <summary>A theory that needs a PostgreSQL server; skipped, with that reason, where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PostgresTheoryAttribute : TheoryAttribute
{
    public PostgresTheoryAttribute() => Skip = PostgresPrograms.Missing;
}
