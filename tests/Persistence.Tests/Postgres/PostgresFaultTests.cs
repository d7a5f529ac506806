// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Postgres;
using Npgsql;

namespace KvmActors.Persistence.Tests.Postgres;

public sealed class PostgresFaultTests
{
    [Theory]
    [InlineData("ERROR", "53100", CommitOutcome.NotCommitted)]
    [InlineData("ERROR", "57014", CommitOutcome.NotCommitted)]
    [InlineData("ERROR", "58030", CommitOutcome.Unknown)]
    [InlineData("FATAL", "57P01", CommitOutcome.Unknown)]
    [InlineData("FATAL", "25P03", CommitOutcome.Unknown)]
    [InlineData("PANIC", "53100", CommitOutcome.Unknown)]
    public void What_ends_the_servers_process_may_have_come_behind_the_commit(
        string severity, string code, CommitOutcome outcome)
    {
        PostgresException fault = new("could not extend file: No space left on device", severity, severity, code);

        Assert.Equal(outcome, PostgresFault.OutcomeOf(fault));
    }
}
