// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Pages;

namespace KvmActors.Persistence.Sqlite;

/// <summary>The table <c>page</c>.</summary>
internal static class SqlitePages
{
    private const string Exists = "SELECT 1 FROM page WHERE digest = ?1";

    private const string FindPage = "SELECT encoding, bytes FROM page WHERE digest = ?1";

    private const string Store = "INSERT INTO page(digest, encoding, bytes) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";

    /// <returns>Those that are not stored yet.</returns>
    internal static IReadOnlyList<Digest> Missing(SqliteSession session, IEnumerable<Digest> digests) =>
        [.. digests.Where(digest => session.Scalar(Exists, digest) is null)];

    /// <returns>How many of them were new.</returns>
    internal static int Insert(SqliteSession session, IReadOnlyList<PackedPage> pages) =>
        pages.Sum(page => session.Execute(Store, page.Digest, (long)page.Encoding, page.Bytes));

    /// <exception cref="StoreCorruptException">A page is missing or damaged.</exception>
    internal static IReadOnlyList<ReadOnlyMemory<byte>> Read(SqliteSession session, IReadOnlyList<Digest> digests)
    {
        var pages = new List<ReadOnlyMemory<byte>>(digests.Count);
        foreach (Digest digest in digests)
        {
            PackedPage? packed = session.Find(
                FindPage,
                row => new PackedPage(digest, (PageEncoding)row.GetInt32(0), row.GetBytes(1)),
                digest);
            pages.Add(PageRules.Present(packed?.Unpack(), digest));
        }

        return pages;
    }
}
