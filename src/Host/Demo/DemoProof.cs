// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.Json;
using KvmActors.Actors.Replay;
using KvmActors.Actors.Vm;
using KvmActors.Host.Store;
using KvmActors.Machine;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;

namespace KvmActors.Host.Demo;

/// <summary>Three comparisons with runs that knew nothing of the move and the kill.</summary>
/// <param name="ReplayEqual">A fourth process replayed the journal from its start; every Progress had the state it
/// says.
/// </param>
/// <param name="StateEqual">A twin in this process, changing host vendor at the VM times the journal records, ended in
/// the state and memory that the moved VM's last Progress holds.</param>
/// <param name="ConsoleEqual">The guest that never moved, and got its key at the same VM time, had the same console as
/// this client received, and the same exit code and instruction count.</param>
/// <param name="KeyAt">VM time at which the journal has the key; null: there was none.</param>
internal sealed record DemoProof(
    bool ReplayEqual,
    bool StateEqual,
    bool ConsoleEqual,
    ulong? KeyAt,
    int EventsReplayed,
    int StatesCompared,
    double EventsPerSecond,
    double ReplayMs,
    string TwinState,
    string TwinMemory)
{
    private static readonly VmId s_vm = VmId.Parse(DemoControl.VmName);

    /// <param name="runReference">Runs the guest that never moves, with these inputs.</param>
    public static async Task<DemoProof> MakeAsync(
        string store,
        DemoGuest guest,
        Func<ImmutableArray<SoloInput>, DemoReference> runReference,
        Control.V1.VmStatus last,
        ConsoleLines console,
        CancellationToken stop)
    {
        // The replay is a process of its own, and the twin a thread; so all three run beside each other.
        Task<JsonDocument> replaying = ReplayAsync(store, stop);
        VmHistory history = await ReadHistoryAsync(store, stop).ConfigureAwait(false);
        var script = TwinScript.From(history);
        Task<TwinResult> living = Task.Run(
            () => TwinRun.Execute(script, new MachineGuestFactory("twin"), guest.Image), stop);
        DemoReference reference = await Task.Run(
            () => runReference([.. script.Inputs.Select(input => new SoloInput(input.VmTime, input.Bytes))]), stop)
            .ConfigureAwait(false);
        TwinResult twin = await living.ConfigureAwait(false);
        JournalEvent.Progress end = history.Events.Select(next => next.Event).OfType<JournalEvent.Progress>().Last();
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
            KeyAt: script.Inputs.IsEmpty ? null : script.Inputs[0].VmTime,
            seen.GetProperty("eventsReplayed").GetInt32(),
            seen.GetProperty("statesCompared").GetInt32(),
            seen.GetProperty("eventsPerSecond").GetDouble(),
            seen.GetProperty("tookMs").GetDouble(),
            twin.RunState.ToString(),
            twin.Memory.ToString());
    }

    private static async Task<VmHistory> ReadHistoryAsync(string store, CancellationToken stop)
    {
        IStore open = await StoreOpening.OpenReadOnlyAsync(store, stop).ConfigureAwait(false);
        await using (open.ConfigureAwait(false))
        {
            return await JournalReplayer.ReadHistoryAsync(open, s_vm, stop).ConfigureAwait(false);
        }
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
