// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;
using KvmActors.Persistence.Journal;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Actors.Vm;

/// <summary>Reads the end of a VM's journal.</summary>
internal static class JournalTail
{
    /// <returns>VM time of the last event in any of the VM's streams.</returns>
    public static async Task<ulong> LastVmTimeAsync(IStore store, VmRows rows, CancellationToken cancellationToken)
    {
        ulong last = 0;
        foreach (StreamRow row in rows.All)
        {
            await foreach (JournalRecord record in
                store.ReadAsync(row.Stream, row.HeadSeq, row.HeadSeq, cancellationToken))
            {
                last = Math.Max(last, record.VmTime);
            }
        }

        return last;
    }
}
