// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Host.Hocon;

/// <summary>Finds and parses included files.</summary>
/// <remarks><c>include "x"</c> is relative to the directory of the including file, as <c>include file("x")</c> is here
/// too. A missing file is an empty object, unless it is <c>required(…)</c>.</remarks>
/// <param name="directory">Of the file being parsed, or null where it is no file: then nothing can be included.</param>
/// <param name="depth">Files that include each other on the way here.</param>
internal sealed class HoconIncludes(string? directory, int depth)
{
    public static HoconIncludes None { get; } = new(directory: null, depth: 0);

    /// <param name="prefix">Path at which the include statement stands.</param>
    /// <exception cref="HoconException">Missing and required, unreadable, too deep, or no HOCON.</exception>
    public HoconNode.Object? Load(
        HoconOrigin statement, string name, bool isRequired, ImmutableArray<string> prefix)
    {
        if (directory is null)
        {
            throw new HoconException(
                statement, "no include in this text", $"include \"{name}\"", "Put the text in a file.");
        }

        if (depth >= HoconLimits.IncludeDepthMax)
        {
            throw new HoconException(
                statement,
                $"at most {HoconLimits.IncludeDepthMax} files that include each other",
                $"one more, \"{name}\"",
                "Look for a file that includes itself.");
        }

        string path = Path.Combine(directory, name);
        if (!File.Exists(path))
        {
            return !isRequired
                ? null
                : throw new HoconException(
                    statement, $"the required file {path}", "none", "Create it, or include it without required().");
        }

        HoconIncludes nested = new(Path.GetDirectoryName(path), depth + 1);
        return HoconParser.Parse(path, ReadText(statement, path), nested, prefix);
    }

    private static string ReadText(HoconOrigin statement, string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new HoconException(
                statement, $"to read {path}", fault.Message, "Check that the file can be read.");
        }
    }
}
