// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Sqlite;
using Microsoft.Win32.SafeHandles;

namespace KvmActors.Persistence.Membership;

/// <summary>The lock that a node's process holds on <c>nodes/ID.lock</c>, beside the store file, for all its life. The
/// kernel releases it when the process dies in whatever way, so who gets it has proof of death, within milliseconds and
/// without any clock: <see cref="DeathEvidence.FileLockHeld"/>. A stopped process keeps it: it is not dead.</summary>
/// <remarks>The file appears with its lock already held (it is locked under another name and then renamed), so a file
/// that is there and free is proof, and a missing file proves nothing. Only for processes of one machine.</remarks>
public sealed class NodeProcessLock : IDisposable
{
    private const string Folder = "nodes";

    private readonly SafeFileHandle _file;
    private readonly string _path;

    private NodeProcessLock(SafeFileHandle file, string path)
    {
        _file = file;
        _path = path;
    }

    /// <summary>Takes the lock of this process's own life, right after it registered.</summary>
    /// <param name="storePath">The store file.</param>
    /// <exception cref="IOException">The file cannot be created.</exception>
    public static NodeProcessLock Hold(string storePath, NodeId node)
    {
        string path = PathOf(storePath, node);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        string unnamed = $"{path}.new";
        SafeFileHandle file = NativeFileLock.OpenOrCreate(unnamed);
        if (!NativeFileLock.TryLock(file, unnamed))
        {
            file.Dispose();
            throw new IOException(
                $"Expected {unnamed} to be free, found it locked. Ids are never used twice: check the store.");
        }

        File.Move(unnamed, path, overwrite: true);
        return new NodeProcessLock(file, path);
    }

    /// <summary>Tries to take the lock of another node's life.</summary>
    /// <returns>The lock, which proves that the process is gone: keep it until the node is declared dead. Null where it
    /// lives, or where nothing is proved.</returns>
    public static NodeProcessLock? TryProveDead(string storePath, NodeId node)
    {
        string path = PathOf(storePath, node);
        SafeFileHandle? file = NativeFileLock.OpenExisting(path);
        if (file is not null && NativeFileLock.TryLock(file, path))
        {
            return new NodeProcessLock(file, path);
        }

        file?.Dispose();
        return null;
    }

    /// <summary>Removes the file and gives the lock back.</summary>
    public void Dispose()
    {
        if (!_file.IsClosed)
        {
            File.Delete(_path);
            _file.Dispose();
        }
    }

    private static string PathOf(string storePath, NodeId node) => Path.Combine(
        Path.GetDirectoryName(Path.GetFullPath(storePath))!, Folder, $"{node.Value}.lock");
}
