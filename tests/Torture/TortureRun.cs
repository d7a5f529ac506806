// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using KvmActors.Actors.Replay;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Host.Control.V1;
using KvmActors.Host.Store;
using KvmActors.Host.Tests.Deaths;
using KvmActors.Persistence;
using KvmActors.Samples.Guests;
using KvmActors.Torture.Audit;
using KvmActors.Torture.Clients;
using KvmActors.Torture.Cluster;
using KvmActors.Torture.Nemesis;

namespace KvmActors.Torture;

/// <summary>One run: nodes, guests, clients, the nemesis; then the healing and the audit.</summary>
internal sealed class TortureRun : IAsyncDisposable
{
    public const int NodeCount = 5;

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_pollEvery = TimeSpan.FromMilliseconds(50);
    private static readonly ImmutableArray<(string Name, int Vcpus)> s_vms =
        [("alpha", 1), ("beta", 2), ("gamma", 1), ("delta", 2)];

    private static readonly ImmutableArray<string> s_readers = ["first", "second"];

    private readonly TortureOptions _options;
    private readonly TortureStore _store;
    private readonly RunLog _log;
    private readonly string _folder;
    private readonly ImmutableArray<TortureNode> _nodes;
    private readonly NemesisAtWork _nemesis;
    private readonly ClusterClient _cluster;
    private readonly ImmutableArray<VmClient> _clients;
    private readonly ImmutableArray<ConsoleReader> _readers;
    private readonly MembershipSampler _sampler;
    private readonly List<VmClient> _passing = [];
    private readonly List<(Answered First, string Again)> _answeredOtherwise = [];
    private readonly StringBuilder _summary = new();
    private readonly byte[] _image = EchoGuest.Build(secondRests: true, HostVendor.Intel);

    /// <param name="certificates">Null: plain links.</param>
    public TortureRun(
        TortureOptions options,
        TortureStore store,
        NodeNetwork network,
        ClusterCertificates? certificates,
        string folder,
        RunLog log)
    {
        _options = options;
        _store = store;
        _log = log;
        _folder = folder;
        string config = Path.Combine(folder, "nodes.conf");
        File.WriteAllText(config, NodesConfiguration.Of(store, NodeCount, folder, certificates));
        _nodes = [.. Enumerable.Range(1, NodeCount).Select(number => new TortureNode(number, config, folder, log))];
        _nemesis = new NemesisAtWork(_nodes, store, network, log);
        _cluster = new ClusterClient(_nodes, certificates?.OfClient(), options.Seed);
        _clients =
        [
            .. s_vms.Select((vm, at) => new VmClient(vm.Name, vm.Vcpus, NodeCount, _cluster, log, options.Seed + at)),
        ];
        _readers =
        [
            .. s_vms.SelectMany(vm => s_readers.Select(
                name => new ConsoleReader(vm.Name, name, _cluster))),
        ];
        _sampler = new MembershipSampler(store);
    }

    public string Summary => _summary.ToString();

    /// <summary>From the first node's start to the last one's end.</summary>
    public async Task LiveAsync()
    {
        foreach (TortureNode node in _nodes)
        {
            node.Start();
        }

        await Task.WhenAll(_nodes.Select(node => node.UpAsync())).WaitAsync(s_patience);
        foreach (VmClient client in _clients)
        {
            await client.CreateAsync(_image);
            await client.StartAsync();
        }

        using CancellationTokenSource reading = new();
        using CancellationTokenSource working = new();
        Task[] readings = [.. _readers.Select(reader => reader.ReadAsync(reading.Token))];
        Task sampling = _sampler.RunAsync(reading.Token);
        Task[] workings = [.. _clients.Select(client => client.WorkAsync(working.Token)), PassAsync(working.Token)];
        long begun = Stopwatch.GetTimestamp();
        await _nemesis.RunAsync(TroubleSchedule.Of(
            _options.Seed, _options.Trouble, _store.Lease, NodeCount,
            TroubleSchedule.KindsOf(_store.Server is not null)));
        await working.CancelAsync();
        await _nemesis.HealAsync();
        await Task.WhenAll(workings).WaitAsync(2 * s_patience);
        await ProgressAsync();
        Say($"{Stopwatch.GetElapsedTime(begun).TotalSeconds:0} s until every VM ran again");
        await EndAsync(readings);
        await reading.CancelAsync();
        await sampling;
        foreach (TortureNode node in _nodes)
        {
            await node.StopAsync().WaitAsync(s_patience);
        }
    }

    /// <summary>Every audit, and what the journals prove.</summary>
    /// <returns>What was found; nothing where all is well.</returns>
    public async Task<ImmutableArray<string>> AuditAsync()
    {
        using AuditDatabase audit = new();
        await using (DbConnection store = await _store.OpenAsync())
        {
            await audit.ReadStoreAsync(store);
        }

        ImmutableArray<string>.Builder breaches = ImmutableArray.CreateBuilder<string>();
        breaches.AddRange(_nodes.SelectMany(node => node.Unexpected).Select(text => $"A node's end or fault: {text}"));
        await ProveAsync(audit, breaches);
        Fill(audit);
        foreach (string name in AuditDatabase.Audits)
        {
            IReadOnlyList<string> rows = audit.Find(name);
            if (rows.Count > 0)
            {
                breaches.Add($"{name}.sql found:\n  {string.Join("\n  ", rows)}");
            }
        }

        Say(audit);
        return breaches.ToImmutable();
    }

    /// <summary>Puts the last events of all into one file, in order of time.</summary>
    /// <returns>The file.</returns>
    public string KeepEvidence(string name)
    {
        string folder = Environment.GetEnvironmentVariable("KVMACTORS_TEST_RESULTS") is { Length: > 0 } results
            ? Directory.CreateDirectory(results).FullName
            : Path.GetTempPath();
        string path = Path.Combine(folder, $"{name}.txt");
        Evidence.Write(path, _folder, _log);
        return path;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (TortureNode node in _nodes)
        {
            node.Dispose();
        }

        await Task.WhenAll(_nodes.Select(node => node.StopAsync())).WaitAsync(s_patience);
        _cluster.Dispose();
        _nemesis.Dispose();
    }

    /// <summary>VMs that come and go: created, given another CPUID table, started, typed at, deleted.</summary>
    private async Task PassAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"passing-{_passing.Count + 1}");
            VmClient client = new(name, vcpus: 1, NodeCount, _cluster, _log, _options.Seed + 100 + _passing.Count);
            _passing.Add(client);
            await client.CreateAsync(_image);
            await client.SetCpuidAsync();
            await client.StartAsync();
            await client.TypeAsync("z");
            await client.DeleteAsync();
            await Task.Delay(TimeSpan.FromMilliseconds(500), CancellationToken.None);
        }
    }

    /// <summary>I10: every VM is owned and goes on, through whichever node it is asked.</summary>
    private async Task ProgressAsync()
    {
        foreach (VmClient client in _clients)
        {
            VmStatus before = await client.ShowAsync();
            await client.TypeAsync("Z");
            ConsoleReader reader = _readers.First(each => each.Vm == client.Vm);
            long begun = Stopwatch.GetTimestamp();
            while (true)
            {
                VmStatus now = await client.ShowAsync();
                if (now is { State: "running", Owner.Length: > 0 } && now.VmTime > before.VmTime
                    && now.DurableVmTime > 0 && reader.HasRead((byte)'Z'))
                {
                    break;
                }

                Assert.True(
                    Stopwatch.GetElapsedTime(begun) < s_patience,
                    $"I10: expected {client.Vm} to run and to echo behind the trouble, found it {now.State} at "
                    + $"{now.Owner}, VM time {before.VmTime}, then {now.VmTime}. {now.Problem}");
                await Task.Delay(s_pollEvery);
            }
        }
    }

    /// <summary>Asks all again that was acknowledged, then ends the guests.</summary>
    private async Task EndAsync(Task[] readings)
    {
        foreach (VmClient client in _clients)
        {
            _answeredOtherwise.AddRange(await client.AskAgainAsync());
        }

        foreach (VmClient client in _clients)
        {
            await client.TypeAsync("q");
        }

        await Task.WhenAll(readings).WaitAsync(s_patience);
    }

    /// <summary>I4: chains and replays, and a twin of each VM.</summary>
    private async Task ProveAsync(AuditDatabase audit, ImmutableArray<string>.Builder breaches)
    {
        try
        {
            await JournalProof.VerifyAsync(_store.Name);
            await using IStore opened = await StoreOpening.OpenReadOnlyAsync(_store.Name, CancellationToken.None);
            foreach (VmClient client in _clients)
            {
                var vm = VmId.Parse(client.Vm);
                using JsonDocument replay = await JournalProof.ReplayAsync(_store.Name, vm);
                audit.AddConsole(
                    client.Vm, "replay", replay.RootElement.GetProperty("consoleSha256").GetString() ?? "");
                VmHistory history = await JournalReplayer.ReadHistoryAsync(opened, vm, CancellationToken.None);
                JournalProof.AssertTwin(history, _image, replay);
            }
        }
        catch (Xunit.Sdk.XunitException fault)
        {
            breaches.Add($"I4: {fault.Message}");
        }
    }

    private void Fill(AuditDatabase audit)
    {
        foreach (VmClient client in (VmClient[])[.. _clients, .. _passing])
        {
            foreach (Answered answered in client.Answered)
            {
                audit.Add(
                    answered, _answeredOtherwise.FirstOrDefault(each => each.First == answered).Again);
            }
        }

        foreach (VmClient client in _passing)
        {
            audit.AddDeleted(client.Vm);
        }

        foreach (VmClient client in _clients)
        {
            audit.AddLetters(client.Vm, client.Typed);
        }

        foreach (ConsoleReader reader in _readers)
        {
            audit.Add(reader);
        }

        audit.Add(_sampler.Samples);
    }

    private void Say(FormattableString text) => _summary.AppendLine(FormattableString.Invariant(text));

    private void Say(AuditDatabase audit)
    {
        Say($"{string.Join(", ", _nemesis.Done.OrderBy(each => each.Key).Select(each => $"{each.Key} {each.Value}"))}");
        Say($"{_nodes.Sum(node => node.Lives)} lives of {NodeCount} nodes");
        Say($"{_nemesis.StoppedInsideWrite} of them stopped inside of a write, and killed by a peer");
        Say($"{audit.Count("SELECT count(*) FROM answered WHERE is_done = 1")} commands acknowledged");
        Say($"{audit.Count("SELECT count(*) FROM answered WHERE is_done = 0")} refused, in {_cluster.Attempts} calls");
        Say($"{audit.Count("SELECT count(*) FROM journal")} records");
        Say($"{audit.Count("SELECT max(epoch) FROM stream")} epochs at most");
        Say($"{audit.Count("SELECT count(*) FROM console")} console bytes read");
        Say($"{_readers.Sum(reader => reader.CutOff)} times cut off while reading");
        Say($"{_passing.Count} VMs came and went, {_sampler.Looks} looks at the rows");
    }
}
