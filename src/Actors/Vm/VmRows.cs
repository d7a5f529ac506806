// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Persistence;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Actors.Vm;

/// <summary>The fence rows of one VM, as their owner knows them: the VM's own first, then its vCPUs by index.</summary>
public sealed class VmRows
{
    private VmRows(ImmutableArray<StreamRow> all) => All = all;

    public ImmutableArray<StreamRow> All { get; }

    public StreamRow Own => All[0];

    public VmId Vm => Own.Stream.Vm;

    public Epoch Epoch => Own.Epoch;

    public int VcpuCount => All.Length - 1;

    /// <exception cref="ArgumentException">They are not the rows of one VM with all its vCPUs.</exception>
    public static VmRows Of(IEnumerable<StreamRow> rows)
    {
        ImmutableArray<StreamRow> all = [.. rows.OrderBy(row => row.Stream)];
        for (int index = 0; index < all.Length; index++)
        {
            StreamId stream = all[index].Stream;
            if (stream.Vm != all[0].Stream.Vm || stream.VcpuIndex != index - 1)
            {
                throw new ArgumentException(
                    $"Expected the rows of one VM and its vCPUs without a gap, found {stream} at position {index}.",
                    nameof(rows));
            }
        }

        return all.Length >= 2
            ? new VmRows(all)
            : throw new ArgumentException(
                $"Expected the rows of a VM and at least one vCPU, found {all.Length}.", nameof(rows));
    }
}
