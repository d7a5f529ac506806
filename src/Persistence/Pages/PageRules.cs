// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Pages;

/// <summary>What a page is, in every store. Pure.</summary>
internal static class PageRules
{
    internal const int PageBytes = 4096;

    /// <exception cref="ArgumentException">Not a page.</exception>
    internal static Digest DigestOf(ReadOnlySpan<byte> page) => page.Length == PageBytes
        ? Digest.Of(page)
        : throw new ArgumentException($"Expected a page of {PageBytes} bytes, found {page.Length}.");

    /// <exception cref="StoreCorruptException">There is no such page.</exception>
    internal static byte[] Present(byte[]? page, Digest digest) => page
        ?? throw new StoreCorruptException(
            $"Expected the page {digest}, which a snapshot names, found none. Restore the store from a backup, or use "
            + "an earlier snapshot.");
}
