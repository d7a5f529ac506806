// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Migration;

/// <summary>Whether a move compresses pages.</summary>
public enum PageCompression
{
    /// <summary>While it pays, by what the link and the compression of this move were seen to do.</summary>
    Auto = 0,

    Always = 1,

    Never = 2,
}
