// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Host.Hocon;

/// <summary>A parsed configuration whose substitutions are still open, so that others can be laid under it.</summary>
internal sealed class HoconDocument
{
    private HoconDocument(HoconNode.Object root) => Root = root;

    public HoconNode.Object Root { get; }

    /// <summary>Parses text that is no file: it cannot include others.</summary>
    /// <param name="name">What errors call it.</param>
    /// <exception cref="HoconException">It is no HOCON.</exception>
    public static HoconDocument Parse(string name, string text) =>
        new(HoconParser.Parse(name, text, HoconIncludes.None, prefix: []));

    /// <summary>Parses a file and what it includes.</summary>
    /// <exception cref="HoconException">It is no HOCON.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file must not be read.</exception>
    public static HoconDocument Load(string path)
    {
        HoconIncludes includes = new(Path.GetDirectoryName(Path.GetFullPath(path)), depth: 0);
        return new HoconDocument(HoconParser.Parse(path, File.ReadAllText(path), includes, prefix: []));
    }

    /// <summary>Values of <paramref name="fallback"/> count where this document has none.</summary>
    public HoconDocument WithFallback(HoconDocument fallback) => new(HoconField.Merge(fallback.Root, Root));

    /// <summary>Lays the fields at <paramref name="from"/> over those at <paramref name="onto"/>.</summary>
    /// <returns>Null where nothing is written at <paramref name="from"/>.</returns>
    public HoconDocument? Overlay(ReadOnlySpan<string> from, string onto)
    {
        HoconNode.Object at = Root;
        foreach (string key in from[..^1])
        {
            if (!at.Fields.TryGetValue(key, out HoconField? outer) || outer.Stack is not [.., HoconNode.Object next])
            {
                return null;
            }

            at = next;
        }

        if (!at.Fields.TryGetValue(from[^1], out HoconField? source))
        {
            return null;
        }

        HoconNode.Object added = new(source.Stack[^1].Origin);
        foreach (HoconNode value in source.Stack)
        {
            added.Add([onto], value);
        }

        return new HoconDocument(HoconField.Merge(Root, added));
    }

    /// <param name="environment">Asked for paths that the document lacks; null means undefined.</param>
    /// <exception cref="HoconException">An undefined path, a cycle, or values that cannot stand side by
    /// side.</exception>
    public HoconConfig Resolve(Func<string, string?> environment) =>
        new(HoconResolver.Resolve(Root, environment));

    /// <summary>Every key that is written as a path with no object behind it, with the place of its latest
    /// value.</summary>
    public IEnumerable<(ImmutableArray<string> Path, HoconOrigin Origin)> Keys() => KeysOf(Root, []);

    /// <summary>First elements of all paths that substitutions refer to.</summary>
    public IReadOnlySet<string> ReferredRoots()
    {
        HashSet<string> roots = new(StringComparer.Ordinal);
        CollectReferred(Root, roots);
        return roots;
    }

    private static IEnumerable<(ImmutableArray<string> Path, HoconOrigin Origin)> KeysOf(
        HoconNode.Object node, ImmutableArray<string> path)
    {
        foreach ((string key, HoconField field) in node.Fields)
        {
            bool isLeaf = true;
            foreach (HoconNode.Object nested in field.Stack.OfType<HoconNode.Object>())
            {
                isLeaf &= nested.Fields.Count == 0;
                foreach ((ImmutableArray<string> Path, HoconOrigin Origin) inner in KeysOf(nested, path.Add(key)))
                {
                    yield return inner;
                }
            }

            if (isLeaf)
            {
                yield return (path.Add(key), field.Stack[^1].Origin);
            }
        }
    }

    private static void CollectReferred(HoconNode node, HashSet<string> roots)
    {
        switch (node)
        {
            case HoconNode.Substitution substitution:
                roots.Add(substitution.Path[0]);
                break;
            case HoconNode.Concatenation concatenation:
                CollectAll(concatenation.Parts, roots);
                break;
            case HoconNode.Array array:
                CollectAll(array.Items, roots);
                break;
            case HoconNode.Object fields:
                CollectAll(fields.Fields.Values.SelectMany(field => field.Stack), roots);
                break;
        }
    }

    private static void CollectAll(IEnumerable<HoconNode> nodes, HashSet<string> roots)
    {
        foreach (HoconNode node in nodes)
        {
            CollectReferred(node, roots);
        }
    }
}
