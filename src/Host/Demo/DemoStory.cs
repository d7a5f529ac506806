// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using KvmActors.Cpu.Cpuid;
using KvmActors.Host.Cli;
using KvmActors.Host.Configuration;
using KvmActors.Host.Control.V1;
using KvmActors.Machine;
using KvmActors.Samples.Guests;

namespace KvmActors.Host.Demo;

/// <summary>The whole story on this machine: three nodes as three processes, a guest, a move, a killed node, and the
/// proof that nothing of it shows.</summary>
/// <remarks>The acts are methods in their order; each gives what the next ones need. The story guest waits for a key
/// before its last quarter, which it gets behind the takeover: however fast this machine is, it does not end
/// before.</remarks>
internal sealed class DemoStory : IAsyncDisposable
{
    private static readonly TimeSpan s_readyLimit = TimeSpan.FromSeconds(30);

    /// <summary>With the interpreter alone an act takes more than a minute.</summary>
    private static readonly TimeSpan s_actLimit = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan s_stopLimit = TimeSpan.FromSeconds(10);

    private readonly DemoOptions _options;
    private readonly DemoDirectory _directory;
    private readonly DemoGuest _guest;
    private readonly DemoNarrator _say;
    private readonly CancellationToken _stop;
    private readonly List<DemoNode> _nodes = [];
    private readonly ConsoleLines _console;
    private readonly ManualResetEventSlim _atGate = new();
    private readonly Stopwatch _clock = Stopwatch.StartNew();

    public DemoStory(DemoOptions options, CliTerminal terminal, CancellationToken stop)
    {
        _options = options;
        _stop = stop;
        _guest = DemoGuest.Load(options);
        _directory = DemoDirectory.Create(options.KeepDirectory);
        _say = new DemoNarrator(options.IsJson ? terminal.Error : terminal.Out);
        _console = new ConsoleLines(OnLine);
    }

    /// <returns>What was measured and compared.</returns>
    public async Task<DemoReport> TellAsync()
    {
        _say.Title("KvmActors demo: three nodes, a guest, a move, a killed node, a proof.");
        await StartNodesAsync().ConfigureAwait(false);
        // The last node is asked: it neither has the guest at first nor is killed, so it always has to find the VM.
        DemoControl control = new(_nodes[^1].Endpoint, _console, _stop);
        await using ConfiguredAsyncDisposable _ = control.ConfigureAwait(false);
        CpuidTable cpuid = await CreateGuestAsync(control).ConfigureAwait(false);
        DemoReference? ungated = _guest.HasGate ? null : RunAlone(cpuid);
        DemoTimes times = ungated is null
            ? DemoTimes.OfGated(_guest.WorkInstructions!.Value, _options)
            : DemoTimes.OfUngated(ungated.Instructions, _options);
        await StartGuestAsync(control).ConfigureAwait(false);
        Move moved = await MigrateAsync(control, times).ConfigureAwait(false);
        DemoReport.Takeover failover = await KillAsync(control, times, moved).ConfigureAwait(false);
        await OpenGateAsync(control).ConfigureAwait(false);
        VmStatus last = await FinishAsync(control).ConfigureAwait(false);
        await StopNodesAsync().ConfigureAwait(false);
        DemoProof proof = await ProveAsync(
            inputs => ungated ?? DemoReference.Run(_guest, cpuid, _options, inputs, _stop), last).ConfigureAwait(false);
        return Report(moved, failover, last, proof);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (DemoNode node in _nodes)
        {
            await node.StopAsync(TimeSpan.Zero).ConfigureAwait(false);
            node.Dispose();
        }

        _console.Dispose();
        _atGate.Dispose();
        _directory.Dispose();
    }

    private async Task StartNodesAsync()
    {
        _say.Act(_options.Store is null
            ? "Three nodes start, each a process of its own; one SQLite file is their store."
            : "Three nodes start, each a process of its own; a PostgreSQL server has their store.");
        _directory.WriteImage(_guest);
        string config = _directory.WriteConfiguration(_options);
        for (int i = 0; i < _options.Vendors.Length; i++)
        {
            string name = DemoConfiguration.NameOf(i);
            _nodes.Add(DemoNode.Start(
                name,
                _options.Vendors[i],
                DemoConfiguration.Describe(_options.Vendors[i]),
                config,
                _directory.LogOf(name)));
        }

        foreach (DemoNode node in _nodes)
        {
            await node.WaitUntilReadyAsync(s_readyLimit, _stop).ConfigureAwait(false);
            _say.Say($"{node.Name}  host vendor {ConfigurationWords.Of(node.Vendor),-5}  pid {node.Pid}  "
                + $"{node.Endpoint}  CPUID of {node.CpuidSource}");
        }
    }

    private void OnLine(string line)
    {
        _say.ConsoleLine(line);
        if (line == StoryGuest.GateLine)
        {
            _atGate.Set();
        }
    }

    /// <returns>The CPUID table of its vCPU.</returns>
    private async Task<CpuidTable> CreateGuestAsync(DemoControl control)
    {
        _say.Act(_guest.HasGate
            ? "A guest, as VM demo. Behind three quarters of its work it waits for a key, as long as it takes."
            : "A guest: first alone in this process, never moved, to know how long it is; then as VM demo.");
        await control.CreateAsync(_guest, [.. _nodes.Select(node => node.Name)]).ConfigureAwait(false);
        CpuidTable cpuid = await control.ShowCpuidAsync().ConfigureAwait(false);
        _say.Say($"CPUID of demo/0: what all three nodes can offer, {cpuid.Entries.Length} entries, "
            + $"vendor {cpuid.Vendor}, as {_nodes[0].Name} names itself");
        return cpuid;
    }

    private DemoReference RunAlone(CpuidTable cpuid)
    {
        var reference = DemoReference.Run(_guest, cpuid, _options, [], _stop);
        _say.Say($"{_guest.Name}: {DemoNarrator.Number(reference.Instructions)} instructions to its end, "
            + $"{DemoNarrator.Number(reference.ConsoleBytes)} console bytes, {reference.Mips:0} million instructions "
            + "per second");
        return reference;
    }

    private async Task StartGuestAsync(DemoControl control)
    {
        VmStatus started = await control.StartAsync().ConfigureAwait(false);
        string work = _guest.WorkInstructions is { } instructions
            ? string.Create(
                CultureInfo.InvariantCulture, $": {_guest.Name}, {instructions / 1e9:G3} billion instructions")
            : "";
        _say.Say($"demo/0 runs on {NameOf(started.Owner)}, epoch {started.Epoch}{work}");
    }

    private async Task<Move> MigrateAsync(DemoControl control, DemoTimes times)
    {
        ulong after = times.MigrateAfter;
        string target = _nodes[1].Name;
        _say.Act($"demo/0 moves from {_nodes[0].Name} to {target} by a message, while it runs.");
        await control.FollowUntilAsync(
            $"{after} instructions", status => status.Instructions >= after, s_actLimit).ConfigureAwait(false);
        Move moved = await control.MigrateAsync(target, after).ConfigureAwait(false);
        string downtime = moved.HasDowntimeMs ? DemoNarrator.Milliseconds(moved.DowntimeMs) : "not seen";
        _say.Say(
            $"{NameOf(moved.From)} (epoch {moved.EpochFrom}) -> {NameOf(moved.To)} (epoch {moved.EpochTo}) at VM time "
            + $"{DemoNarrator.Number(moved.VmTime)}: {moved.PagesPreCopied} pages while it ran, {moved.PagesStopped} "
            + $"while it stood still; downtime {downtime}");
        return moved;
    }

    private async Task<DemoReport.Takeover> KillAsync(DemoControl control, DemoTimes times, Move moved)
    {
        ulong after = times.KillAfterMoveAt(moved.VmTime);
        VmStatus before = await control.FollowUntilAsync(
            $"{after} instructions", status => status.Instructions >= after, s_actLimit).ConfigureAwait(false);
        DemoNode victim = _nodes.Single(node => node.Name == NameOf(before.Owner));
        _say.Act($"{victim.Name} is killed with SIGKILL (pid {victim.Pid}); another node claims the VM.");
        SayPatches(before);
        var clock = Stopwatch.StartNew();
        await victim.KillAsync().ConfigureAwait(false);
        VmStatus claimed = await control.FollowUntilAsync(
            $"another owner than {victim.Name}",
            status => status.Epoch > before.Epoch && status.Recovery is not null,
            s_actLimit).ConfigureAwait(false);
        clock.Stop();
        Recovery recovery = claimed.Recovery;
        _say.Say(string.Create(
            CultureInfo.InvariantCulture,
            $"{NameOf(claimed.Owner)} owns it now, epoch {claimed.Epoch}: snapshot at VM time "
            + $"{recovery.SnapshotVmTime:N0}, {recovery.EventsReplayed} events replayed behind it, it goes on at "
            + $"{recovery.VmTime:N0}; {clock.Elapsed.TotalMilliseconds:0} ms after the kill"));
        return new DemoReport.Takeover(
            victim.Name,
            recovery.VmTime,
            NameOf(claimed.Owner),
            claimed.Epoch,
            Math.Round(clock.Elapsed.TotalMilliseconds, 3),
            (int)recovery.EventsReplayed);
    }

    /// <summary>Types the key that lets the story guest end. It reads it whether it waits already or not yet; but it is
    /// told better once it waits.</summary>
    private async Task OpenGateAsync(DemoControl control)
    {
        if (!_guest.HasGate)
        {
            return;
        }

        await control.FollowUntilAsync(
            $"the line \"{StoryGuest.GateLine}\"", _ => _atGate.IsSet, s_actLimit).ConfigureAwait(false);
        _say.Act(
            $"The guest waits for its key. It is sent to {_nodes[^1].Name}, which finds the VM, as any client does.");
        await control.SendKeyAsync((byte)'k').ConfigureAwait(false);
    }

    private async Task<VmStatus> FinishAsync(DemoControl control)
    {
        VmStatus last = await control.FollowToTheEndAsync(s_actLimit).ConfigureAwait(false);
        _say.Say($"{last.End} Exit code {last.ExitCode}, {DemoNarrator.Number(last.Instructions)} instructions, "
            + $"{DemoNarrator.Number(_console.Offset)} console bytes received");
        return last;
    }

    private async Task StopNodesAsync()
    {
        foreach (DemoNode node in _nodes)
        {
            await node.StopAsync(s_stopLimit).ConfigureAwait(false);
        }
    }

    private async Task<DemoProof> ProveAsync(
        Func<ImmutableArray<SoloInput>, DemoReference> runReference, VmStatus last)
    {
        _say.Act("The proof.");
        DemoProof proof = await DemoProof.MakeAsync(
            _options.Store ?? _directory.StoreFile, _guest, runReference, last, _console, _stop).ConfigureAwait(false);
        _say.Say(
            $"replay   {Word(proof.ReplayEqual)}  a fourth process replayed {proof.EventsReplayed} events and compared "
            + $"{proof.StatesCompared} states, {proof.EventsPerSecond:N0} events per second");
        _say.Say(
            $"twin     {Word(proof.StateEqual)}  in one process, with the journal's vendor changes and input: state "
            + $"{proof.TwinState[..16]}…, memory {proof.TwinMemory[..16]}…");
        string key = proof.KeyAt is { } at ? $", its key at VM time {DemoNarrator.Number(at)}" : "";
        _say.Say($"console  {Word(proof.ConsoleEqual)}  never moved{key}: same {DemoNarrator.Number(_console.Offset)} "
            + "bytes, exit code and instruction count");
        return proof;
    }

    private void SayPatches(VmStatus status)
    {
        foreach (Patch patch in status.Patches)
        {
            _say.Say(
                $"patched on {NameOf(patch.NodeId)}: {Hex(patch.Before)} -> {Hex(patch.After)} ({NativeOf(patch)}) at "
                + $"GVA 0x{patch.Gva:x}, VM time {DemoNarrator.Number(patch.VmTime)}");
        }
    }

    private static string Word(bool holds) => holds ? "equal  " : "UNEQUAL";

    /// <summary>The name in a node id, which has a number of the node's life behind it.</summary>
    private static string NameOf(string nodeId) => nodeId.Split('#')[0];

    private static string Hex(Google.Protobuf.ByteString bytes) => Convert.ToHexStringLower(bytes.Span);

    private static string NativeOf(Patch patch) => patch.Vendor == "intel" ? "VMCALL" : "VMMCALL";

    private DemoReport Report(
        Move moved, DemoReport.Takeover failover, VmStatus last, DemoProof proof) => new(
        [
            .. _nodes.Select(node => new DemoReport.Node(
                node.Name, ConfigurationWords.Of(node.Vendor), node.Pid, node.Endpoint, node.CpuidSource)),
        ],
        new DemoReport.GuestRun(
            _guest.Name,
            _guest.Sha256,
            _console.Sha256,
            _console.Offset,
            last.ExitCode,
            last.Instructions,
            proof.KeyAt),
        [
            new DemoReport.Migration(
                DemoControl.Vcpu,
                NameOf(moved.From),
                NameOf(moved.To),
                moved.EpochFrom,
                moved.EpochTo,
                moved.VmTime,
                moved.HasDowntimeMs ? Math.Round(moved.DowntimeMs, 3) : null),
        ],
        [
            .. last.Patches.Select(patch => new DemoReport.Patch(
                $"0x{patch.Gva:x16}",
                $"0x{patch.Gpa:x16}",
                Hex(patch.Before),
                Hex(patch.After),
                NameOf(patch.NodeId),
                patch.VmTime,
                NativeOf(patch))),
        ],
        failover,
        new DemoReport.Replay(
            proof.EventsReplayed, proof.StatesCompared, Math.Round(proof.EventsPerSecond, 1), proof.ReplayMs),
        new DemoReport.Comparison(proof.StateEqual, proof.ConsoleEqual, proof.ReplayEqual),
        _options.Store ?? (_options.KeepDirectory is null ? null : _directory.StoreFile),
        Math.Round(_clock.Elapsed.TotalMilliseconds, 1));
}
