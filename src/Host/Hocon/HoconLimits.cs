// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Hocon;

/// <summary>Bounds of a configuration. At each bound reading stops with a <see cref="HoconException"/>.</summary>
internal static class HoconLimits
{
    /// <summary>Characters of one file.</summary>
    public const int FileCharsMax = 1024 * 1024;

    /// <summary>Objects and arrays inside each other.</summary>
    public const int NestingMax = 64;

    /// <summary>Files that include each other.</summary>
    public const int IncludeDepthMax = 16;

    /// <summary>Characters of one concatenated value: doubling by substitution ends here.</summary>
    public const int ValueCharsMax = 256 * 1024;

    /// <summary>Values and fields of a resolved tree, shared ones counted each time they are merged.</summary>
    public const int ResolveStepsMax = 1_000_000;
}
