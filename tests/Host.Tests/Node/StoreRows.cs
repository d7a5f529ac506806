// SPDX-License-Identifier: Apache-2.0

using Microsoft.Data.Sqlite;

namespace KvmActors.Host.Tests.Node;

/// <summary>Damage to rows of a store file, behind the back of the nodes that have it open.</summary>
internal static class StoreRows
{
    /// <summary>Makes a node's CPUID table one that does not read.</summary>
    public static void SpoilCpuidOf(string store, string node)
    {
        using SqliteConnection connection = new($"Data Source={store};Pooling=False;Default Timeout=30");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "UPDATE node SET cpuid_table = 'not a table' WHERE name = $1";
        command.Parameters.AddWithValue("$1", node);
        Assert.Equal(1, command.ExecuteNonQuery());
    }
}
