// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Journal;

/// <summary>A stored snapshot as <c>journal list --snapshots</c> shows it.</summary>
/// <param name="Epoch">Null where it was dropped meanwhile.</param>
/// <param name="Pages">Pages that are not zero; null as the epoch.</param>
internal sealed record SnapshotReport(string Vm, ulong Snapshot, ulong VmTime, ulong? Epoch, int? Pages);
