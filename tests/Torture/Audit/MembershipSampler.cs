// SPDX-License-Identifier: Apache-2.0

using System.Data.Common;
using System.Globalization;
using KvmActors.Torture.Cluster;

namespace KvmActors.Torture.Audit;

/// <summary>Looks at membership and fence rows while all is in trouble, each time in one statement.</summary>
internal sealed class MembershipSampler(TortureStore store)
{
    private const string Look = """
        SELECT 'node', node_id, CAST(status AS text), 0 FROM node
        UNION ALL SELECT 'view', '', CAST(value AS text), 0 FROM meta WHERE key = 'view'
        UNION ALL SELECT 'stream', stream_id, coalesce(owner, ''), epoch FROM stream
        """;

    private static readonly TimeSpan s_every = TimeSpan.FromMilliseconds(150);

    private readonly List<Sample> _samples = [];

    /// <param name="What">node, view or stream.</param>
    /// <param name="Value">A node's status, the view, a stream's owner.</param>
    internal sealed record Sample(int Look, string What, string Id, string Value, long Epoch);

    public IReadOnlyList<Sample> Samples => _samples;

    public int Looks { get; private set; }

    public async Task RunAsync(CancellationToken stop)
    {
        DbConnection? connection = null;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                connection ??= await store.OpenAsync();
                await LookAsync(connection);
            }
            catch (DbException)
            {
                // The store is in trouble too.
                await DisposeAsync(connection);
                connection = null;
            }

            await Task.Delay(s_every, CancellationToken.None);
        }

        await DisposeAsync(connection);
    }

    private static async ValueTask DisposeAsync(DbConnection? connection)
    {
        if (connection is not null)
        {
            await connection.DisposeAsync();
        }
    }

    private async Task LookAsync(DbConnection connection)
    {
        List<Sample> look = [];
        await using DbCommand command = connection.CreateCommand();
        command.CommandText = Look;
        await using DbDataReader reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            look.Add(new Sample(
                Looks,
                reader.GetString(0),
                reader.GetString(1),
                reader.GetString(2),
                Convert.ToInt64(reader.GetValue(3), CultureInfo.InvariantCulture)));
        }

        // A look that was cut short tells nothing.
        Looks++;
        _samples.AddRange(look);
    }
}
