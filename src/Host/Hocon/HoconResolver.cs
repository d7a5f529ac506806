// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Host.Hocon;

/// <summary>Replaces substitutions by what they refer to, over the whole tree and as the last step.</summary>
/// <remarks>
/// Source: HOCON.md of lightbend/config, "Self-Referential Substitutions". A path is followed lazily through the tree
/// as written, so an object may refer to its own fields. A field whose value is a substitution or a concatenation is
/// marked while that value is computed; a path that meets the mark sees only the values below it (it looks back). An
/// object or an array that is needed to compute itself is a cycle.
/// </remarks>
internal sealed class HoconResolver
{
    private readonly HoconNode.Object _root;
    private readonly Func<string, string?> _environment;
    private readonly Dictionary<HoconField, int> _underway = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<HoconNode> _open = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<HoconNode, HoconValue?> _known = new(ReferenceEqualityComparer.Instance);
    private int _steps;

    private HoconResolver(HoconNode.Object root, Func<string, string?> environment)
    {
        _root = root;
        _environment = environment;
    }

    /// <param name="environment">Asked for paths that the tree lacks; null means undefined.</param>
    /// <exception cref="HoconException">An undefined path, a cycle, or values that cannot stand side by
    /// side.</exception>
    public static HoconValue.Object Resolve(HoconNode.Object root, Func<string, string?> environment)
    {
        try
        {
            return new HoconResolver(root, environment).EvaluateObject(root);
        }
        catch (CycleException cycle)
        {
            throw cycle.ToHocon();
        }
    }

    /// <summary>The value at <paramref name="path"/> below <paramref name="field"/>, of its first
    /// <paramref name="upTo"/> values; null where it is undefined.</summary>
    private HoconValue? Find(HoconField field, int upTo, ReadOnlySpan<string> path)
    {
        if (_underway.TryGetValue(field, out int index))
        {
            upTo = Math.Min(upTo, index);
        }

        HoconValue.Object? merged = null;
        for (int i = upTo - 1; i >= 0; i--)
        {
            HoconValue? found = FindIn(field, i, path, out bool hidesLower);
            if (found is HoconValue.Object upper)
            {
                merged = merged is null ? upper : HoconValue.Object.Merge(lower: upper, upper: merged);
            }
            else if (found is not null)
            {
                return merged ?? found;
            }

            if (hidesLower)
            {
                break;
            }
        }

        return merged;
    }

    /// <param name="hidesLower">The value is no object, so earlier values of the field do not count.</param>
    private HoconValue? FindIn(HoconField field, int index, ReadOnlySpan<string> path, out bool hidesLower)
    {
        HoconNode node = field.Stack[index];
        if (node is HoconNode.Object written && path.Length > 0)
        {
            hidesLower = false;
            return written.Fields.TryGetValue(path[0], out HoconField? inner)
                ? Find(inner, inner.Stack.Count, path[1..])
                : null;
        }

        HoconValue? value = Evaluate(node, field, index);
        hidesLower = value is not (null or HoconValue.Object);
        foreach (string key in path)
        {
            value = value is HoconValue.Object { Fields: { } fields } && fields.TryGetValue(key, out HoconValue? next)
                ? next
                : null;
        }

        return value;
    }

    /// <param name="field">The field whose value this is, null for the element of an array.</param>
    private HoconValue? Evaluate(HoconNode node, HoconField? field, int index)
    {
        if (++_steps > HoconLimits.ResolveStepsMax)
        {
            throw new HoconException(
                node.Origin,
                $"at most {HoconLimits.ResolveStepsMax} values after substitution",
                "more",
                "Look for substitutions that multiply each other.");
        }

        switch (node)
        {
            case HoconNode.Scalar scalar:
                return new HoconValue.Scalar(scalar.Text, scalar.Kind, scalar.Origin);
            case HoconNode.Object fields:
                return EvaluateObject(fields);
            case HoconNode.Array array:
                return EvaluateArray(array);
            default:
                return field is null ? EvaluateOpen(node) : EvaluateMarked(node, field, index);
        }
    }

    private HoconValue? EvaluateMarked(HoconNode node, HoconField field, int index)
    {
        bool wasMarked = _underway.TryGetValue(field, out int outer);
        _underway[field] = index;
        try
        {
            return EvaluateOpen(node);
        }
        finally
        {
            if (wasMarked)
            {
                _underway[field] = outer;
            }
            else
            {
                _underway.Remove(field);
            }
        }
    }

    private HoconValue? EvaluateOpen(HoconNode node) => node is HoconNode.Substitution substitution
        ? EvaluateSubstitution(substitution)
        : HoconConcatenator.Join((HoconNode.Concatenation)node, part => Evaluate(part, field: null, index: 0));

    private HoconValue.Object EvaluateObject(HoconNode.Object node)
    {
        using Opened opened = new(this, node);
        OrderedDictionary<string, HoconValue> fields = new(StringComparer.Ordinal);
        foreach ((string key, HoconField field) in node.Fields)
        {
            if (Find(field, field.Stack.Count, path: []) is { } value)
            {
                fields[key] = value;
            }
        }

        return new HoconValue.Object(fields, node.Origin);
    }

    private HoconValue.Array EvaluateArray(HoconNode.Array node)
    {
        using Opened opened = new(this, node);
        ImmutableArray<HoconValue>.Builder items = ImmutableArray.CreateBuilder<HoconValue>(node.Items.Length);
        foreach (HoconNode item in node.Items)
        {
            if (Evaluate(item, field: null, index: 0) is { } value)
            {
                items.Add(value);
            }
        }

        return new HoconValue.Array(items.ToImmutable(), node.Origin);
    }

    private HoconValue? EvaluateSubstitution(HoconNode.Substitution node)
    {
        if (_known.TryGetValue(node, out HoconValue? known))
        {
            return known;
        }

        HoconValue? value;
        try
        {
            value = LookUp(node);
        }
        catch (CycleException) when (node.IsOptional)
        {
            value = null;
        }

        if (value is null && !node.IsOptional)
        {
            throw new HoconException(
                node.Origin,
                $"a value for {node}",
                "none in the configuration before it refers to itself, and none in the environment",
                $"Define {string.Join('.', node.Path)}, or write ${{?…}} if it may be missing.");
        }

        _known[node] = value;
        return value;
    }

    private HoconValue? LookUp(HoconNode.Substitution node)
    {
        HoconValue? value = node.Prefix.IsEmpty ? null : FindFromRoot([.. node.Prefix, .. node.Path]);
        value ??= FindFromRoot(node.Path.AsSpan());
        if (value is null && _environment(string.Join('.', node.Path)) is { } variable)
        {
            value = new HoconValue.Scalar(variable, HoconScalarKind.Text, node.Origin);
        }

        return value;
    }

    private HoconValue? FindFromRoot(ReadOnlySpan<string> path) =>
        _root.Fields.TryGetValue(path[0], out HoconField? field) ? Find(field, field.Stack.Count, path[1..]) : null;

    /// <summary>An object or array is needed to compute itself. Ends as undefined at an optional
    /// substitution.</summary>
    private sealed class CycleException(HoconOrigin origin) : Exception
    {
        public HoconException ToHocon() => new(
            origin,
            "a value that does not need itself",
            "a cycle of substitutions through the object or array that begins here",
            "Remove one of the substitutions inside it that lead back to it.");
    }

    /// <summary>Marks an object or array as being computed until disposed.</summary>
    private readonly struct Opened : IDisposable
    {
        private readonly HoconResolver _owner;
        private readonly HoconNode _node;

        public Opened(HoconResolver owner, HoconNode node)
        {
            _owner = owner;
            _node = node;
            if (!owner._open.Add(node))
            {
                throw new CycleException(node.Origin);
            }
        }

        public void Dispose() => _owner._open.Remove(_node);
    }
}
