// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>A set that is walked in the order of its additions, so that two runs walk it alike.</summary>
internal sealed class OrderedSet<T>
    where T : class
{
    private readonly Dictionary<T, LinkedListNode<T>> _nodes = [];
    private readonly LinkedList<T> _order = [];

    public int Count => _nodes.Count;

    public bool Add(T item)
    {
        if (_nodes.ContainsKey(item))
        {
            return false;
        }

        _nodes.Add(item, _order.AddLast(item));
        return true;
    }

    public bool Remove(T item)
    {
        if (!_nodes.Remove(item, out LinkedListNode<T>? node))
        {
            return false;
        }

        _order.Remove(node);
        return true;
    }

    public T[] ToArray() => [.. _order];
}
