// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Host.Hocon;

/// <summary>Values side by side: texts become one text, arrays one array, objects one object; nothing else
/// mixes.</summary>
internal static class HoconConcatenator
{
    /// <returns>Null where every part is an undefined optional substitution.</returns>
    /// <exception cref="HoconException">The parts are of different kinds.</exception>
    public static HoconValue? Join(HoconNode.Concatenation node, Func<HoconNode, HoconValue?> evaluate)
    {
        List<(HoconNode Node, HoconValue? Value)> parts = [.. node.Parts.Select(part => (part, evaluate(part)))];
        List<HoconValue> values =
            [.. parts.Where(part => part.Value is not null && !IsBlank(part.Node)).Select(part => part.Value!)];
        if (values.Count == 0)
        {
            return null;
        }

        if (values.Exists(value => value is HoconValue.Array))
        {
            return JoinArrays(node, values);
        }

        return values.Exists(value => value is HoconValue.Object)
            ? JoinObjects(node, values)
            : JoinText(node, parts.Select(part => part.Value));
    }

    private static bool IsBlank(HoconNode node) => node is HoconNode.Scalar { IsBlank: true };

    private static HoconValue.Array JoinArrays(HoconNode.Concatenation node, List<HoconValue> values)
    {
        ImmutableArray<HoconValue>.Builder items = ImmutableArray.CreateBuilder<HoconValue>();
        foreach (HoconValue value in values)
        {
            items.AddRange(value.AsItems() ?? throw Mixed(value, "an array beside an array", "[ ]"));
        }

        return new HoconValue.Array(items.ToImmutable(), node.Origin);
    }

    private static HoconValue.Object JoinObjects(HoconNode.Concatenation node, List<HoconValue> values)
    {
        HoconValue.Object joined = new(new(StringComparer.Ordinal), node.Origin);
        foreach (HoconValue value in values)
        {
            HoconValue.Object upper =
                value as HoconValue.Object ?? throw Mixed(value, "an object beside an object", "{ }");
            joined = HoconValue.Object.Merge(joined, upper);
        }

        return joined;
    }

    private static HoconValue.Scalar JoinText(HoconNode.Concatenation node, IEnumerable<HoconValue?> values)
    {
        string text = string.Concat(values.Select(value => value is HoconValue.Scalar scalar ? scalar.Text : ""));
        return text.Length <= HoconLimits.ValueCharsMax
            ? new HoconValue.Scalar(text, HoconScalarKind.Text, node.Origin)
            : throw new HoconException(
                node.Origin,
                $"at most {HoconLimits.ValueCharsMax} characters in one value",
                $"{text.Length}",
                "Look for substitutions that multiply each other.");
    }

    private static HoconException Mixed(HoconValue value, string expected, string brackets) => new(
        value.Origin,
        expected,
        value.Describe(),
        $"Put it in {brackets}, or separate the two by a comma or a new line.");
}
