// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Host.Hocon;

/// <summary>A value after all substitutions.</summary>
internal abstract record HoconValue
{
    private HoconValue(HoconOrigin origin) => Origin = origin;

    public HoconOrigin Origin { get; }

    /// <summary>As an error names it.</summary>
    public abstract string Describe();

    public sealed record Scalar(string Text, HoconScalarKind Kind, HoconOrigin At) : HoconValue(At)
    {
        public override string Describe() => Kind == HoconScalarKind.Text ? $"\"{Text}\"" : Text;
    }

    public sealed record Array(ImmutableArray<HoconValue> Items, HoconOrigin At) : HoconValue(At)
    {
        public override string Describe() => "an array";
    }

    public sealed record Object(OrderedDictionary<string, HoconValue> Fields, HoconOrigin At) : HoconValue(At)
    {
        public override string Describe() => "an object";

        /// <summary>A new object: fields of <paramref name="upper"/> win, objects in both are merged.</summary>
        public static Object Merge(Object lower, Object upper)
        {
            OrderedDictionary<string, HoconValue> fields = new(lower.Fields, StringComparer.Ordinal);
            foreach ((string key, HoconValue value) in upper.Fields)
            {
                bool bothObjects = fields.TryGetValue(key, out HoconValue? below) && below is Object && value is Object;
                fields[key] = bothObjects ? Merge((Object)below!, (Object)value) : value;
            }

            return new Object(fields, upper.Origin);
        }
    }

    /// <summary>The items of an array, or of an object with numeric keys in their numeric order; else null.</summary>
    public ImmutableArray<HoconValue>? AsItems()
    {
        if (this is Array array)
        {
            return array.Items;
        }

        if (this is not Object { Fields: { } fields })
        {
            return null;
        }

        SortedDictionary<uint, HoconValue> numbered = [];
        foreach ((string key, HoconValue value) in fields)
        {
            if (uint.TryParse(key, System.Globalization.CultureInfo.InvariantCulture, out uint index))
            {
                numbered[index] = value;
            }
        }

        return numbered.Count == 0 ? null : [.. numbered.Values];
    }
}
