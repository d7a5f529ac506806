// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>The children of one actor by name, in the order of birth. Any thread may look; the parent's turn changes
/// it, and any thread may add to the top level.</summary>
internal sealed class ChildTable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, LinkedListNode<ActorCell>> _byName = new(StringComparer.Ordinal);
    private readonly LinkedList<ActorCell> _order = [];
    private long _namesGiven;
    private bool _isClosed;

    public bool IsEmpty
    {
        get
        {
            lock (_lock)
            {
                return _order.Count == 0;
            }
        }
    }

    /// <exception cref="InvalidOperationException">The name is taken, or the parent is stopping.</exception>
    public ActorCell Add(ActorCell parent, string? name, Props props)
    {
        lock (_lock)
        {
            if (_isClosed)
            {
                throw new InvalidOperationException($"{parent.Path} is stopping: it takes no new child ({name}).");
            }

            string given = name ?? $"${++_namesGiven}";
            if (_byName.TryGetValue(given, out LinkedListNode<ActorCell>? holder))
            {
                if (!holder.Value.IsStopped)
                {
                    throw new InvalidOperationException(
                        $"{parent.Path} has a child {given} that has not yet stopped. Choose another name.");
                }

                // Stopped, and only its parent does not know yet.
                _byName.Remove(given);
                _order.Remove(holder);
            }

            ActorCell child = new(parent.System, parent, given, props);
            _byName.Add(given, _order.AddLast(child));
            return child;
        }
    }

    /// <returns>Whether it was a child.</returns>
    public bool Remove(ActorCell child)
    {
        lock (_lock)
        {
            if (!_byName.TryGetValue(child.Name, out LinkedListNode<ActorCell>? node))
            {
                return false;
            }

            if (!ReferenceEquals(node.Value, child))
            {
                return false;
            }

            _byName.Remove(child.Name);
            _order.Remove(node);
            return true;
        }
    }

    public bool Contains(ActorCell child) => ReferenceEquals(Find(child.Name), child);

    /// <returns>The child of that name, if it has not yet stopped.</returns>
    public ActorCell? Find(string name)
    {
        lock (_lock)
        {
            bool isThere = _byName.TryGetValue(name, out LinkedListNode<ActorCell>? node);
            return isThere && !node!.Value.IsStopped ? node.Value : null;
        }
    }

    /// <returns>The children that have not yet stopped.</returns>
    public ActorCell[] ToArray()
    {
        lock (_lock)
        {
            return [.. _order.Where(child => !child.IsStopped)];
        }
    }

    /// <summary>No child can be added from here on.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _isClosed = true;
        }
    }
}
