// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Text.Json;
using KvmActors.Actors.Replay;
using KvmActors.Actors.Vm;
using KvmActors.Host.Store;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;

namespace KvmActors.Host.Demo;

/// <summary>Three comparisons with runs that knew nothing of the move and the kill.</summary>
/// <param name="ReplayEqual">A fourth process replayed the journal from its start; every Progress had the state it
/// says.
/// </param>
/// <param name="StateEqual">A twin in this process, changing host vendor at the VM times the journal records, ended in
/// the state and memory that the moved VM's last Progress holds.</param>
/// <param name="ConsoleEqual">The guest that never moved had the same console as this client received, and the same
/// exit code and instruction count.</param>
internal sealed record DemoProof(
    bool ReplayEqual,
    bool StateEqual,
    bool ConsoleEqual,
    int EventsReplayed,
    int StatesCompared,
    double EventsPerSecond,
    double ReplayMs,
    string TwinState,
    string TwinMemory)
{
    private static readonly VmId s_vm = VmId.Parse(DemoControl.VmName);

    public static async Task<DemoProof> MakeAsync(
        string store,
        DemoGuest guest,
        DemoReference reference,
        Control.V1.VmStatus last,
        ConsoleLines console,
        CancellationToken stop)
    {
        // The replay is a process of its own, so it runs beside the twin.
        Task<JsonDocument> replaying = ReplayAsync(store, stop);
        (TwinResult twin, JournalEvent.Progress end) =
            await Task.Run(() => RunTwinAsync(store, guest, stop), stop).ConfigureAwait(false);
        using JsonDocument replay = await replaying.ConfigureAwait(false);
        JsonElement seen = replay.RootElement;
        bool isReplayEqual = seen.GetProperty("equal").GetBoolean()
            && seen.GetProperty("consoleSha256").GetString() == console.Sha256;
        return new DemoProof(
            isReplayEqual,
            StateEqual: twin.RunState == end.State
                && twin.Memory == end.Memory
                && twin.ConsoleSha256 == console.Sha256,
            ConsoleEqual: reference.ConsoleSha256 == console.Sha256
                && reference.ExitCode == last.ExitCode
                && reference.Instructions == last.Instructions,
            seen.GetProperty("eventsReplayed").GetInt32(),
            seen.GetProperty("statesCompared").GetInt32(),
            seen.GetProperty("eventsPerSecond").GetDouble(),
            seen.GetProperty("tookMs").GetDouble(),
            twin.RunState.ToString(),
            twin.Memory.ToString());
    }

    /// <returns>What the twin came to, and the last Progress in the journal of the VM that moved.</returns>
    private static async Task<(TwinResult Twin, JournalEvent.Progress End)> RunTwinAsync(
        string store, DemoGuest guest, CancellationToken stop)
    {
        IStore open = await StoreOpening.OpenReadOnlyAsync(store, stop).ConfigureAwait(false);
        VmHistory history;
        await using (open.ConfigureAwait(false))
        {
            history = await JournalReplayer.ReadHistoryAsync(open, s_vm, stop).ConfigureAwait(false);
        }

        JournalEvent.Progress end = history.Events.Select(next => next.Event).OfType<JournalEvent.Progress>().Last();
        return (TwinRun.Execute(TwinScript.From(history), new MachineGuestFactory("twin"), guest.Image), end);
    }

    private static async Task<JsonDocument> ReplayAsync(string store, CancellationToken stop)
    {
        (string file, IEnumerable<string> prefix) = DemoNode.OwnProgram();
        ProcessStartInfo start = new(file)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in prefix.Concat(
            ["journal", "replay", DemoControl.VmName, "--store", store, "--json"]))
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start)
            ?? throw new CliFault($"Expected to start {file} for the replay, but no process came of it.");
        Task<string> complaint = process.StandardError.ReadToEndAsync(stop);
        string output = await process.StandardOutput.ReadToEndAsync(stop).ConfigureAwait(false);
        await process.WaitForExitAsync(stop).ConfigureAwait(false);
        try
        {
            return JsonDocument.Parse(output);
        }
        catch (JsonException fault)
        {
            throw new CliFault(
                $"Expected the replay's JSON, found \"{output.Trim()}\": {await complaint.ConfigureAwait(false)}",
                fault);
        }
    }
}
