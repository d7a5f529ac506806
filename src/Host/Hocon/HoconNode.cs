// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Host.Hocon;

/// <summary>A value as written: substitutions are still in it.</summary>
internal abstract class HoconNode
{
    private HoconNode(HoconOrigin origin) => Origin = origin;

    public HoconOrigin Origin { get; }

    /// <param name="text">As written: a number keeps its form.</param>
    /// <param name="isBlank">Blanks between two parts of a concatenation, which vanish beside objects and
    /// arrays.</param>
    public sealed class Scalar(HoconOrigin origin, string text, HoconScalarKind kind, bool isBlank = false)
        : HoconNode(origin)
    {
        public string Text { get; } = text;

        public HoconScalarKind Kind { get; } = kind;

        public bool IsBlank { get; } = isBlank;
    }

    public sealed class Array(HoconOrigin origin, ImmutableArray<HoconNode> items) : HoconNode(origin)
    {
        public ImmutableArray<HoconNode> Items { get; } = items;
    }

    /// <summary>Fields in the order of their first mention. Grows while its file is parsed, and never
    /// afterwards.</summary>
    public sealed class Object(HoconOrigin origin) : HoconNode(origin)
    {
        public OrderedDictionary<string, HoconField> Fields { get; } = new(StringComparer.Ordinal);

        public HoconField FieldOf(string key)
        {
            if (!Fields.TryGetValue(key, out HoconField? field))
            {
                field = new HoconField();
                Fields.Add(key, field);
            }

            return field;
        }

        /// <summary>Adds <paramref name="value"/> at <paramref name="path"/>, as the key <c>a.b.c</c> means
        /// it.</summary>
        public void Add(ReadOnlySpan<string> path, HoconNode value)
        {
            Object at = this;
            for (int i = 0; i < path.Length - 1; i++)
            {
                at = at.FieldOf(path[i]).TopObject(value.Origin);
            }

            at.FieldOf(path[^1]).Push(value);
        }
    }

    /// <summary><c>${path}</c> or <c>${?path}</c></summary>
    /// <param name="prefix">Path of the include statement that brought its file in: looked up under it first.</param>
    public sealed class Substitution(
        HoconOrigin origin, ImmutableArray<string> path, ImmutableArray<string> prefix, bool isOptional)
        : HoconNode(origin)
    {
        public ImmutableArray<string> Path { get; } = path;

        public ImmutableArray<string> Prefix { get; } = prefix;

        public bool IsOptional { get; } = isOptional;

        public override string ToString() => $"${{{(IsOptional ? "?" : "")}{string.Join('.', Path)}}}";
    }

    /// <summary>Two or more values side by side; what they become shows when substitutions are resolved.</summary>
    public sealed class Concatenation(HoconOrigin origin, ImmutableArray<HoconNode> parts) : HoconNode(origin)
    {
        public ImmutableArray<HoconNode> Parts { get; } = parts;
    }
}
