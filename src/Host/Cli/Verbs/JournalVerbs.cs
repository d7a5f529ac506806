// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using KvmActors.Host.Store;
using KvmActors.Persistence;
using KvmActors.Persistence.Ownership;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>journal …</c>: looks at a store that need not be open in any node.</summary>
internal static class JournalVerbs
{
    public static Command Build(CliTerminal terminal) => new("journal", "Look at the journals of VMs and vCPUs.")
    {
        JournalListVerb.Build(terminal),
        JournalShowVerb.Build(terminal),
        JournalVerifyVerb.Build(terminal),
        JournalReplayVerb.Build(terminal),
        JournalTraceVerb.Build(terminal),
        JournalDiffVerb.Build(terminal),
        JournalExportVerb.Build(terminal),
    };

    public static Option<string> StoreOption() => new("--store")
    {
        Description = "The store's SQLite file, or postgres://USER@HOST/DATABASE; nodes may have it open",
        HelpName = "STORE",
        Required = true,
    };

    public static Option<string> MomentOption(string name, string description, string byDefault) => new(name)
    {
        Description = description,
        HelpName = "MOMENT",
        DefaultValueFactory = _ => byDefault,
    };

    /// <summary>Opens a store only to read.</summary>
    public static Task<IStore> OpenAsync(string store, CancellationToken cancellationToken) =>
        StoreOpening.OpenReadOnlyAsync(store, cancellationToken);

    /// <summary>The rows of one stream ("web/0"), of a VM and its vCPUs ("web"), or of all.</summary>
    /// <exception cref="CliFault">There is no such stream.</exception>
    public static async Task<IReadOnlyList<StreamRow>> RowsAsync(
        IStore store, string? name, bool withVcpus, CancellationToken cancellationToken)
    {
        IReadOnlyList<StreamRow> all = await store.ListAsync(cancellationToken).ConfigureAwait(false);
        if (name is null)
        {
            return all;
        }

        StreamRow[] found =
        [
            .. all.Where(row => row.Stream.ToString() == name || (withVcpus && row.Stream.Vm.ToString() == name)),
        ];
        string known = all.Count == 0 ? "none: the store is empty" : string.Join(", ", all.Select(row => row.Stream));
        return found.Length > 0
            ? found
            : throw new CliFault($"Expected a stream of this store, found \"{name}\". Choose one of: {known}.");
    }
}
