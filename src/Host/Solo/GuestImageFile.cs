// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Solo;

/// <summary>A guest image in a file.</summary>
internal static class GuestImageFile
{
    /// <summary>Larger files are no guest images of this version.</summary>
    public const int BytesMax = 256 * 1024 * 1024;

    /// <exception cref="CliFault">The file is missing, unreadable or too large.</exception>
    public static byte[] Read(string path)
    {
        try
        {
            long length = new FileInfo(path).Length;
            return length <= BytesMax
                ? File.ReadAllBytes(path)
                : throw new CliFault(
                    $"Expected an image of at most {BytesMax} bytes at {path}, found {length}. Give a kernel.");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CliFault(
                $"Expected a guest image at {path}, found none that can be read: {fault.Message} Check the path.",
                fault);
        }
    }

    /// <summary>By custom the image's name is the first word of a guest's command line.</summary>
    /// <param name="append">What follows it, or null.</param>
    public static string CommandLine(string path, string? append) =>
        string.IsNullOrEmpty(append) ? Path.GetFileName(path) : $"{Path.GetFileName(path)} {append}";
}
