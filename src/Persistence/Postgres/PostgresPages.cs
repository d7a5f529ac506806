// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Pages;

namespace KvmActors.Persistence.Postgres;

/// <summary>The table <c>page</c>.</summary>
internal static class PostgresPages
{
    /// <summary>Pages of one statement: 1 MiB, so that a snapshot does not hold up appends.</summary>
    internal const int PagesPerStatement = (1 << 20) / PageRules.PageBytes;

    private const string FindThere = "SELECT digest FROM page WHERE digest = ANY($1)";

    private const string FindPages = "SELECT digest, encoding, bytes FROM page WHERE digest = ANY($1)";

    // In one order, so that two who store the same pages do not wait for each other.
    private const string Store =
        """
        INSERT INTO page(digest, encoding, bytes)
        SELECT u.digest, u.encoding, u.bytes FROM unnest($1, $2, $3) AS u(digest, encoding, bytes) ORDER BY u.digest
        ON CONFLICT DO NOTHING
        """;

    /// <returns>Those that are not stored yet.</returns>
    internal static async Task<IReadOnlyList<Digest>> MissingAsync(
        PostgresSession session, IReadOnlyCollection<Digest> digests, CancellationToken cancellationToken)
    {
        List<Digest> there = await session.QueryAsync(
            FindThere,
            row => Digest.FromBytes(row.GetFieldValue<byte[]>(0)),
            cancellationToken,
            (object)Bytes(digests)).ConfigureAwait(false);
        HashSet<Digest> known = [.. there];
        return [.. digests.Where(digest => !known.Contains(digest))];
    }

    internal static Task<int> InsertAsync(
        PostgresSession session, IReadOnlyList<PackedPage> pages, CancellationToken cancellationToken) =>
        session.ExecuteAsync(
            Store,
            cancellationToken,
            Bytes(pages.Select(page => page.Digest)),
            pages.Select(page => (int)page.Encoding).ToArray(),
            pages.Select(page => page.Bytes).ToArray());

    /// <exception cref="StoreCorruptException">A page is missing or damaged.</exception>
    internal static async Task<IReadOnlyList<ReadOnlyMemory<byte>>> ReadAsync(
        PostgresSession session, IReadOnlyList<Digest> digests, CancellationToken cancellationToken)
    {
        Dictionary<Digest, byte[]> found = [];
        foreach (Digest[] piece in digests.Distinct().Chunk(PagesPerStatement))
        {
            List<PackedPage> pages = await session.QueryAsync(
                FindPages,
                row => new PackedPage(
                    Digest.FromBytes(row.GetFieldValue<byte[]>(0)),
                    (PageEncoding)row.GetInt32(1),
                    row.GetFieldValue<byte[]>(2)),
                cancellationToken,
                (object)Bytes(piece)).ConfigureAwait(false);
            foreach (PackedPage page in pages)
            {
                found.Add(page.Digest, page.Unpack());
            }
        }

        return
        [
            .. digests.Select(digest =>
                (ReadOnlyMemory<byte>)PageRules.Present(found.GetValueOrDefault(digest), digest)),
        ];
    }

    internal static byte[][] Bytes(IEnumerable<Digest> digests) => [.. digests.Select(digest => digest.ToArray())];
}
