// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Control.V1;
using KvmActors.Torture.Clients;

namespace KvmActors.Torture.Audit;

/// <summary>An audit that finds nothing proves nothing: each is shown a sound store, and a breach.</summary>
public sealed class AuditTests : IDisposable
{
    private readonly AuditDatabase _audit = new();

    public AuditTests()
    {
        Record(seq: 1, epoch: 1, kind: 4, placed: "node-1#1");
        Record(seq: 2, epoch: 1, kind: 5, typed: "ab", command: "1");
        Record(seq: 3, epoch: 2, kind: 4, placed: "node-2#1");
        Record(seq: 4, epoch: 2, kind: 5, typed: "q", command: "2");
        _audit.Do("""
            UPDATE journal SET hash = chain(NULL, stream_id, seq, epoch, kind, ver, vm_time, client_id, cmd_id, payload)
            WHERE seq = 1
            """);
        for (int seq = 2; seq <= 4; seq++)
        {
            _audit.Do(
                """
                UPDATE journal SET hash = chain(
                  (SELECT before.hash FROM journal AS before WHERE before.seq = journal.seq - 1),
                  stream_id, seq, epoch, kind, ver, vm_time, client_id, cmd_id, payload)
                WHERE seq = $0
                """,
                seq);
        }

        _audit.Do("INSERT INTO stream SELECT 'web', 'web', 'node-2#1', 2, 1, 4, hash FROM journal WHERE seq = 4");
        _audit.Do("INSERT INTO dedup VALUES ('web', 'me', '1', x'01'), ('web', 'me', '2', x'02')");
        _audit.Add(Answer("1", "ab"), again: null);
        _audit.Add(Answer("2", "q"), again: "{ }");
        _audit.AddLetters("web", "abq");
        string text = ".ab. t=1\n";
        for (int at = 0; at < text.Length; at++)
        {
            _audit.Do("INSERT INTO console VALUES ('web', 'first', 1, $0, $1)", at, (int)text[at]);
            _audit.Do("INSERT INTO console VALUES ('web', 'second', 1, $0, $1)", at, (int)text[at]);
        }

        _audit.AddConsole("web", "first", "00");
        _audit.AddConsole("web", "second", "00");
        _audit.AddConsole("web", "replay", "00");
        _audit.Add(
        [
            new MembershipSampler.Sample(0, "node", "node-1#1", "1", 0),
            new MembershipSampler.Sample(0, "view", "", "9", 0),
            new MembershipSampler.Sample(0, "stream", "web", "node-1#1", 1),
            new MembershipSampler.Sample(1, "node", "node-1#1", "3", 0),
            new MembershipSampler.Sample(1, "view", "", "10", 0),
            new MembershipSampler.Sample(1, "stream", "web", "node-2#1", 2),
        ]);
    }

    public static TheoryData<string> Audits => [.. AuditDatabase.Audits];

    public static TheoryData<string, string> Breaches => new()
    {
        { "I1-gaps", "DELETE FROM journal WHERE seq = 2" },
        { "I1-epochs", "UPDATE journal SET epoch = 1 WHERE seq = 4" },
        { "I1-epochs", "UPDATE journal SET epoch = 3 WHERE seq = 2" },
        { "I1-nodes", "UPDATE journal SET placed_epoch = 1 WHERE seq = 3" },
        { "I1-nodes", "INSERT INTO sample VALUES (2, 'stream', 'web', 'node-3#1', 2)" },
        { "I1-placed", "UPDATE journal SET epoch = 3 WHERE seq = 4" },
        { "I1-placed", "UPDATE journal SET placed_node = NULL, placed_epoch = NULL WHERE seq = 3" },
        { "I1-chain", "UPDATE journal SET payload = x'00' WHERE seq = 2" },
        { "I1-chain", "UPDATE journal SET vm_time = 1 WHERE seq = 4" },
        { "I1-heads", "UPDATE stream SET head_seq = 3" },
        { "I1-heads", "DELETE FROM stream" },
        { "I1-heads", "DELETE FROM journal" },
        { "I2-acknowledged", "DELETE FROM dedup WHERE cmd_id = '1'" },
        { "I2-acknowledged", "DELETE FROM journal WHERE seq = 4" },
        { "I2-typed", "UPDATE journal SET typed = 'ba' WHERE seq = 2" },
        { "I2-typed", "UPDATE journal SET typed = 'abb' WHERE seq = 2" },
        { "I2-typed", "DELETE FROM journal WHERE seq = 4" },
        { "I3-once", "UPDATE journal SET cmd_id = '1' WHERE seq = 4" },
        { "I3-once", "INSERT INTO dedup VALUES ('web/0', 'me', '1', x'01')" },
        { "I3-same-reply", "UPDATE answered SET again = 'other'" },
        { "I5-console", "DELETE FROM console WHERE place = 3" },
        { "I5-console", "INSERT INTO console VALUES ('web', 'first', 2, 8, 10)" },
        { "I5-readers", "UPDATE console SET byte = 65 WHERE place = 1 AND reader = 'first'" },
        { "I5-replay", "UPDATE console_end SET sha256 = '01' WHERE source = 'first'" },
        { "I5-replay", "DELETE FROM console_end WHERE source = 'replay'" },
        { "I5-echo", "UPDATE console SET byte = 65 WHERE place = 1" },
        { "I5-echo", "UPDATE console SET byte = 46 WHERE place = 2" },
        { "I12-dead", "INSERT INTO sample VALUES (2, 'node', 'node-1#1', '1', 0)" },
        { "I12-view", "INSERT INTO sample VALUES (2, 'view', '', '9', 0)" },
        { "I12-view", "INSERT INTO sample VALUES (2, 'stream', 'web', 'node-1#1', 1)" },
    };

    public void Dispose() => _audit.Dispose();

    [Theory]
    [MemberData(nameof(Audits))]
    public void It_finds_nothing_where_all_is_well(string audit) => Assert.Empty(_audit.Find(audit));

    [Theory]
    [MemberData(nameof(Breaches))]
    public void It_shows_the_rows_of_a_breach(string audit, string breach)
    {
        _audit.Do(breach);

        Assert.NotEmpty(_audit.Find(audit));
    }

    [Fact]
    public void Every_audit_is_shown_a_breach() => Assert.Equal(
        AuditDatabase.Audits, Breaches.Select(row => (string)row[0]).Distinct().Order(StringComparer.Ordinal));

    private static Answered Answer(string command, string typed) => new(
        "web", new CommandRef { ClientId = "me", CommandId = command }, "type", typed, IsDone: true, "{ }", null);

    private void Record(
        long seq,
        long epoch,
        long kind,
        string? placed = null,
        string? typed = null,
        string? command = null) => _audit.Do(
        "INSERT INTO journal VALUES ('web', 'web', $0, $1, $2, 1, 0, $3, $4, x'0102', NULL, $5, $6, $7, NULL)",
        seq, epoch, kind, command is null ? null : "me", command, placed, placed is null ? null : epoch, typed);
}
