// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Migration;

/// <summary>Versions of what nodes write for each other. Two adjacent ones work together: every node reads both, and
/// <c>compat.write-version</c> says which it writes. <c>docs/operations.md</c> has what each brought.</summary>
public static class WireVersion
{
    /// <summary>The oldest that this program reads and can write.</summary>
    public const int Oldest = 1;

    public const int Latest = 2;

    /// <summary>From here on pages have forms and batches numbers, and requests say their version.</summary>
    public const int PageForms = 2;
}
