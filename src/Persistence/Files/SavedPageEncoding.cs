// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Files;

/// <summary>How a page stands in a saved VM's file. The first two are the store's. Numbers are never changed or used
/// again.</summary>
internal enum SavedPageEncoding
{
    Raw = 0,

    /// <summary>RFC 1951.</summary>
    Deflate = 1,

    /// <summary>The number of an earlier page with the same content (4).</summary>
    SameAs = 2,
}
