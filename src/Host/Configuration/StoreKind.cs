// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Configuration;

/// <summary>What holds the cluster's store.</summary>
internal enum StoreKind
{
    /// <summary>A file that node processes of one machine share.</summary>
    Sqlite = 1,

    /// <summary>A server that nodes of many machines share.</summary>
    Postgres = 2,
}
