// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Cpu.Cpuid.KvmApi;

/// <summary>What a call that fills a caller's buffer leaves there.</summary>
/// <param name="Count">KVM's <c>nent</c> after the call: what was filled, or on an error what the caller had put
/// there. KVM never says how many would have been needed.</param>
/// <param name="Error">Null where the call succeeded.</param>
public sealed record KvmCpuidReply(int Count, ImmutableArray<CpuidEntry> Entries, KvmError? Error)
{
    /// <summary>Answers a caller whose buffer holds <paramref name="capacity"/> entries.</summary>
    internal static KvmCpuidReply Of(ImmutableArray<CpuidEntry> entries, int capacity) =>
        capacity >= entries.Length
            ? new KvmCpuidReply(entries.Length, entries, Error: null)
            : new KvmCpuidReply(capacity, [], new KvmError(
                KvmErrno.E2Big,
                $"Expected room for {entries.Length} entries, found room for {capacity}. Ask again with "
                + $"{CpuidTable.EntriesMax}, the most there can be."));
}
