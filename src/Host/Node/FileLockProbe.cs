// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Persistence;
using KvmActors.Persistence.Membership;

namespace KvmActors.Host.Node;

/// <summary>Proves by file locks that peers on this machine are dead: the kernel gives a process's lock back the moment
/// it dies.</summary>
internal sealed class FileLockProbe(string storePath) : INodeDeathProbe, IDisposable
{
    private readonly Dictionary<NodeId, NodeProcessLock> _proofs = [];
    private readonly Lock _lock = new();

    /// <remarks>A lock once got is kept, so that the proof holds until the node is declared dead.</remarks>
    public bool IsProvenDead(NodeRow node)
    {
        lock (_lock)
        {
            if (_proofs.ContainsKey(node.Id))
            {
                return true;
            }

            try
            {
                if (NodeProcessLock.TryProveDead(storePath, node.Id) is not { } proof)
                {
                    return false;
                }

                _proofs.Add(node.Id, proof);
                return true;
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                return false;
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (NodeProcessLock proof in _proofs.Values)
            {
                proof.Dispose();
            }

            _proofs.Clear();
        }
    }
}
