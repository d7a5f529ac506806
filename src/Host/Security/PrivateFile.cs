// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Security;

/// <summary>Files that hold guests' memory: their owner alone can read them, whatever the umask.</summary>
internal static class PrivateFile
{
    /// <exception cref="IOException">It is there, or cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">It cannot be made.</exception>
    public static FileStream Create(string path)
    {
        FileStreamOptions options = new()
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.Read,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return new FileStream(path, options);
    }

    /// <summary>Makes an empty file where there is none. One that cannot be made is left to who needs it, and says
    /// so.</summary>
    public static void CreateIfMissing(string path)
    {
        try
        {
            if (!File.Exists(path))
            {
                Create(path).Dispose();
            }
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // Another node made it meanwhile, or the folder is missing: opening the store says which.
        }
    }
}
