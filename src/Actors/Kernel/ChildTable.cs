// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Kernel;

/// <summary>The children of one actor by name, in the order of birth. Any thread may look; the parent's turn changes
/// it, and any thread may add to the top level.</summary>
/// <remarks>The order is a list through the children themselves, so that a child costs no node of it.</remarks>
internal sealed class ChildTable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, ActorCell> _byName = new(StringComparer.Ordinal);
    private ActorCell? _oldest;
    private ActorCell? _youngest;
    private long _namesGiven;
    private bool _isClosed;

    public bool IsEmpty
    {
        get
        {
            lock (_lock)
            {
                return _oldest is null;
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
            if (_byName.TryGetValue(given, out ActorCell? holder))
            {
                if (!holder.IsStopped)
                {
                    throw new InvalidOperationException(
                        $"{parent.Path} has a child {given} that has not yet stopped. Choose another name.");
                }

                // Stopped, and only its parent does not know yet.
                Unlink(holder);
            }

            ActorCell child = new(parent.System, parent, given, props);
            _byName.Add(given, child);
            child.Siblings.Older = _youngest;
            if (_youngest is null)
            {
                _oldest = child;
            }
            else
            {
                _youngest.Siblings.Younger = child;
            }

            _youngest = child;
            return child;
        }
    }

    /// <returns>Whether it was a child.</returns>
    public bool Remove(ActorCell child)
    {
        lock (_lock)
        {
            if (!_byName.TryGetValue(child.Name, out ActorCell? named) || !ReferenceEquals(named, child))
            {
                return false;
            }

            Unlink(child);
            return true;
        }
    }

    public bool Contains(ActorCell child) => ReferenceEquals(Find(child.Name), child);

    /// <returns>The child of that name, if it has not yet stopped.</returns>
    public ActorCell? Find(string name)
    {
        lock (_lock)
        {
            return _byName.TryGetValue(name, out ActorCell? child) && !child.IsStopped ? child : null;
        }
    }

    /// <returns>The children that have not yet stopped.</returns>
    public ActorCell[] ToArray()
    {
        lock (_lock)
        {
            List<ActorCell> children = new(_byName.Count);
            for (ActorCell? child = _oldest; child is not null; child = child.Siblings.Younger)
            {
                if (!child.IsStopped)
                {
                    children.Add(child);
                }
            }

            return [.. children];
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

    private void Unlink(ActorCell child)
    {
        _byName.Remove(child.Name);
        (ActorCell? older, ActorCell? younger) = (child.Siblings.Older, child.Siblings.Younger);
        if (older is null)
        {
            _oldest = younger;
        }
        else
        {
            older.Siblings.Younger = younger;
        }

        if (younger is null)
        {
            _youngest = older;
        }
        else
        {
            younger.Siblings.Older = older;
        }

        child.Siblings = default;
    }
}
