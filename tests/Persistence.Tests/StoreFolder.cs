// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Tests;

/// <summary>A folder of its own for the store files of one test.</summary>
internal sealed class StoreFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kvmactors-store-");

    public string StorePath => Path.Combine(_folder.FullName, "cluster.db");

    public void Dispose() => _folder.Delete(recursive: true);
}
