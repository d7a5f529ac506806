// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Sqlite;

/// <summary>A value for a parameter of a statement, without a box around it.</summary>
/// <remarks>An unsigned number beyond 2^63 does not fit SQLite's INTEGER and is refused by an
/// <see cref="OverflowException"/>: VM time would reach it after 292 years.</remarks>
internal readonly struct SqliteValue
{
    private SqliteValue(SqliteValueKind kind, long number, string? text, ReadOnlyMemory<byte> bytes)
    {
        Kind = kind;
        Number = number;
        Text = text;
        Bytes = bytes;
    }

    internal SqliteValueKind Kind { get; }

    internal long Number { get; }

    internal string? Text { get; }

    internal ReadOnlyMemory<byte> Bytes { get; }

    public static implicit operator SqliteValue(long number) =>
        new(SqliteValueKind.Integer, number, text: null, bytes: default);

    public static implicit operator SqliteValue(int number) => (long)number;

    public static implicit operator SqliteValue(ulong number) => checked((long)number);

    public static implicit operator SqliteValue(Epoch epoch) => epoch.Value;

    public static implicit operator SqliteValue(string? text) =>
        new(text is null ? SqliteValueKind.Null : SqliteValueKind.Text, number: 0, text, bytes: default);

    public static implicit operator SqliteValue(StreamId stream) => stream.Value;

    public static implicit operator SqliteValue(VmId vm) => vm.Value;

    public static implicit operator SqliteValue(NodeId node) => node.Value;

    public static implicit operator SqliteValue(NodeId? node) => node?.Value;

    public static implicit operator SqliteValue(MigrationId? migration) => migration?.Value;

    public static implicit operator SqliteValue(ReadOnlyMemory<byte> bytes) =>
        new(SqliteValueKind.Blob, number: 0, text: null, bytes);

    public static implicit operator SqliteValue(byte[] bytes) => new ReadOnlyMemory<byte>(bytes);

    public static implicit operator SqliteValue(Digest digest) => digest.ToArray();
}
