// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Pages;

/// <summary>How a stored page is packed: the column <c>encoding</c>. Numbers are never changed or used again.</summary>
internal enum PageEncoding
{
    Raw = 0,

    /// <summary>RFC 1951.</summary>
    Deflate = 1,
}
