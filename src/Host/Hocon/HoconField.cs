// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Hocon;

/// <summary>All values that were given to one key, the latest last.</summary>
/// <remarks>Earlier ones matter: objects merge with them, an undefined <c>${?x}</c> falls back to them, and a value
/// that refers to its own key looks back at them. A plain scalar or array hides them for good, so they are
/// dropped.</remarks>
internal sealed class HoconField
{
    private readonly List<HoconNode> _stack = [];

    public IReadOnlyList<HoconNode> Stack => _stack;

    public void Push(HoconNode value)
    {
        switch (value)
        {
            case HoconNode.Scalar or HoconNode.Array:
                _stack.Clear();
                _stack.Add(value);
                break;
            case HoconNode.Object upper when _stack is [.., HoconNode.Object lower]:
                _stack[^1] = Merge(lower, upper);
                break;
            case HoconNode.Object or HoconNode.Substitution or HoconNode.Concatenation:
                _stack.Add(value);
                break;
        }
    }

    /// <summary>The latest value if it is an object, else a new one on top: where <c>a.b</c> puts <c>b</c>.</summary>
    public HoconNode.Object TopObject(HoconOrigin origin)
    {
        if (_stack is [.., HoconNode.Object top])
        {
            return top;
        }

        HoconNode.Object added = new(origin);
        Push(added);
        if (_stack is [HoconNode.Scalar or HoconNode.Array, HoconNode.Object])
        {
            // The scalar in between has broken the merge; it has no other use.
            _stack.RemoveAt(0);
        }

        return added;
    }

    /// <summary>A new object in which fields of <paramref name="upper"/> come after those of
    /// <paramref name="lower"/>. Neither is changed.</summary>
    public static HoconNode.Object Merge(HoconNode.Object lower, HoconNode.Object upper)
    {
        HoconNode.Object merged = new(upper.Origin);
        foreach (HoconNode.Object source in (ReadOnlySpan<HoconNode.Object>)[lower, upper])
        {
            foreach ((string key, HoconField field) in source.Fields)
            {
                HoconField target = merged.FieldOf(key);
                foreach (HoconNode value in field.Stack)
                {
                    target.Push(value);
                }
            }
        }

        return merged;
    }
}
