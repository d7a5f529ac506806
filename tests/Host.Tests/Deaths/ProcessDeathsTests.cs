// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using KvmActors.Actors.Replay;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Host.Control;
using KvmActors.Host.Control.V1;
using KvmActors.Host.Store;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Tests.Postgres;
using KvmActors.Samples.Guests;
using Xunit.Abstractions;
using VmStatus = KvmActors.Host.Control.V1.VmStatus;

namespace KvmActors.Host.Tests.Deaths;

/// <summary>A guest with two vCPUs, timer interrupts, IPIs and a console that is typed at lives on two node processes
/// of unlike vendors, of which the one that has it is killed (SIGKILL) again and again at random moments.</summary>
/// <remarks>KVMACTORS_DEATHS says how often; KVMACTORS_SEED repeats the choice of moments, though not the
/// processes' own timing.</remarks>
public sealed class ProcessDeathsTests(ITestOutputHelper output) : IDisposable
{
    private const int DeathsDefault = 7;
    private const int DeathsOnPostgres = 3;
    private const ulong MemoryBytes = 8 << 20;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static readonly VmId s_vm = VmId.Parse("echo");

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kvmactors-deaths-");
    private readonly Dictionary<ulong, Recovery> _recoveries = [];
    private readonly StringBuilder _typed = new();

    /// <summary>When a node is killed.</summary>
    private enum Moment
    {
        /// <summary>After a random time of up to 60 ms, short ones as likely as long ones.</summary>
        Whenever,

        /// <summary>The moment a typed character is read: the journal must hold what let it out.</summary>
        AtTheEcho,

        /// <summary>The moment an input is acknowledged: it must not be lost.</summary>
        AtTheAcknowledgement,

        /// <summary>Nobody can commit for a while, and the guest echoes meanwhile: nothing of that may be read.
        /// </summary>
        BeforeTheCommit,
    }

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_vm_outlives_every_node_that_has_it_with_each_console_byte_once_and_every_state_as_journaled()
    {
        int seed = (int)NumberOf("KVMACTORS_SEED", Random.Shared.Next());
        int deaths = (int)NumberOf("KVMACTORS_DEATHS", DeathsDefault);
        output.WriteLine($"KVMACTORS_SEED={seed} KVMACTORS_DEATHS={deaths}");
        byte[] image = EchoGuest.Build(secondRests: true);
        await using KilledCluster cluster = await KilledCluster.StartAsync(
            _folder.FullName, "journal { snapshot-interval = 1ms, snapshot-wait-max = 0s, progress-interval = 20ms }");
        EchoTerminal terminal = new(cluster, s_vm.ToString());
        string owner = await CreateAsync(terminal, image);
        Task reading = terminal.ReadAsync();
        Task<int> harming = HarmAsync(cluster, terminal, owner, deaths, Enum.GetValues<Moment>(), new Random(seed));
        await await Task.WhenAny(reading, harming);
        int killed = await harming;
        await terminal.TypeAsync("q");
        await reading.WaitAsync(s_patience);
        await cluster.StopAsync();

        AssertOnce(terminal.Text);
        await AssertJournalAsync(cluster.Store, image, terminal.Text);
        output.WriteLine($"{killed} SIGKILLs, {terminal.CutOff} times cut off while reading, "
            + $"{terminal.Text.Length} console bytes, {_typed.Length} of them typed");
    }

    /// <remarks>Nobody can hold up the commits of a server from outside, so no node is killed before one.</remarks>
    [PostgresFact]
    public async Task It_does_so_on_a_postgres_server_too_and_outlives_the_death_of_that()
    {
        int seed = (int)NumberOf("KVMACTORS_SEED", Random.Shared.Next());
        int deaths = (int)NumberOf("KVMACTORS_DEATHS", DeathsOnPostgres);
        output.WriteLine($"KVMACTORS_SEED={seed} KVMACTORS_DEATHS={deaths}");
        byte[] image = EchoGuest.Build(secondRests: true);
        await using PrivatePostgres server = await PrivatePostgres.StartAsync();
        await using KilledCluster cluster = await KilledCluster.StartAsync(
            _folder.FullName,
            server,
            "journal { snapshot-interval = 1ms, snapshot-wait-max = 0s, progress-interval = 20ms }");
        EchoTerminal terminal = new(cluster, s_vm.ToString());
        string owner = await CreateAsync(terminal, image);
        Task reading = terminal.ReadAsync();
        Moment[] moments = [Moment.Whenever, Moment.AtTheEcho, Moment.AtTheAcknowledgement];
        Task<int> harming = HarmAsync(cluster, terminal, owner, deaths, moments, new Random(seed));
        await await Task.WhenAny(reading, harming);
        int killed = await harming;
        await server.KillAsync();
        await server.RunAsync();
        await terminal.TypeAsync("q");
        await reading.WaitAsync(s_patience);
        await cluster.StopAsync();

        AssertOnce(terminal.Text);
        await AssertJournalAsync(cluster.Store, image, terminal.Text);
        output.WriteLine($"{killed} SIGKILLs of nodes and one of the server, {terminal.CutOff} times cut off while "
            + $"reading, {terminal.Text.Length} console bytes, {_typed.Length} of them typed");
    }

    private static long NumberOf(string variable, long otherwise) =>
        long.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out long given)
            ? given
            : otherwise;

    /// <returns>The node that has it.</returns>
    private static async Task<string> CreateAsync(EchoTerminal terminal, byte[] image)
    {
        await terminal.CallAsync(ControlMethods.CreateVm, new CreateVmRequest
        {
            Command = terminal.NextCommand(),
            Name = s_vm.ToString(),
            Image = ByteString.CopyFrom(image),
            ImageName = "echo",
            MemoryBytes = MemoryBytes,
            Vcpus = EchoGuest.VcpuCount,
        });
        VmStatus status = await terminal.CallAsync(
            ControlMethods.StartVm,
            new VmCommandRequest { Command = terminal.NextCommand(), Name = s_vm.ToString() });
        return status.Owner.Split('#')[0];
    }

    /// <summary>Types and kills in turns. What is typed is all different, as far as letters go.</summary>
    /// <returns>How many processes were killed.</returns>
    private async Task<int> HarmAsync(
        KilledCluster cluster, EchoTerminal terminal, string owner, int deaths, Moment[] moments, Random random)
    {
        int killed = 0;
        Epoch epoch = Epoch.First;
        for (int death = 1; death <= deaths; death++)
        {
            Moment moment = moments[random.Next(moments.Length)];
            string[] victims = random.Next(5) == 0 ? [owner, KilledCluster.OtherThan(owner)] : [owner];
            Task typing = await HarmAsync(cluster, terminal, moment, Word(death, moment, random), victims, random);
            epoch = epoch.Next;
            VmStatus status = await RecoveredAsync(terminal, epoch);
            Recovery recovery = status.Recovery;
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{death,2}: {string.Join(" and ", victims)} killed, {moment}: epoch {epoch} at {status.Owner}, goes "
                + $"on at VM time {recovery.VmTime}, {recovery.EventsReplayed} events behind its snapshot, "
                + $"{recovery.TookMs:0} ms"));
            await typing;
            owner = status.Owner.Split('#')[0];
            killed += victims.Length;
        }

        return killed;
    }

    /// <summary>Types, waits for the moment, and kills.</summary>
    /// <returns>The typing, which may still have to be acknowledged.</returns>
    private async Task<Task> HarmAsync(
        KilledCluster cluster, EchoTerminal terminal, Moment moment, string word, string[] victims, Random random)
    {
        Task seen = terminal.SeenAsync(_typed.Length);
        using FileStream? turn = moment == Moment.BeforeTheCommit ? await cluster.HoldWriterLockAsync() : null;
        _typed.Append(word);
        Task typing = word.Length > 0 ? terminal.TypeAsync(word) : Task.CompletedTask;
        await (moment switch
        {
            Moment.Whenever => Task.Delay(TimeSpan.FromMilliseconds(Math.Pow(60, random.NextDouble()) - 1)),
            Moment.AtTheEcho => seen.WaitAsync(s_patience),
            Moment.AtTheAcknowledgement => typing,
            Moment.BeforeTheCommit => Task.Delay(random.Next(50, 250)),
            _ => throw new System.Diagnostics.UnreachableException(moment.ToString()),
        });
        if (moment == Moment.BeforeTheCommit)
        {
            Assert.False(seen.IsCompleted, "Read on the console before it could be committed.");
            Assert.False(typing.IsCompleted, "Acknowledged before it could be committed.");
        }

        await cluster.KillAsync(victims, turn);
        return typing;
    }

    private static string Word(int death, Moment moment, Random random) =>
        moment != Moment.Whenever || random.Next(2) == 0 ? $"{(char)('a' + (death % 13))}{death}" : "";

    /// <summary>Waits until the VM lives again under an epoch.</summary>
    private async Task<VmStatus> RecoveredAsync(EchoTerminal terminal, Epoch epoch)
    {
        while (true)
        {
            VmStatus status = await terminal.CallAsync(
                ControlMethods.ShowVm, new ShowVmRequest { Name = s_vm.ToString() });
            Assert.NotEqual("quarantined", status.State);
            if (status.Epoch == epoch.Value && status.Recovery is { } recovery)
            {
                Assert.Equal("running", status.State);
                _recoveries.Add(epoch.Value, recovery);
                return status;
            }

            await Task.Delay(KilledCluster.PollEvery);
        }
    }

    /// <summary>What was typed is there once and in order, and a dot for each eighth tick of the timer.</summary>
    private void AssertOnce(string console)
    {
        int end = console.IndexOf(' ', StringComparison.Ordinal);
        Assert.Equal(_typed.ToString(), console[..end].Replace(".", "", StringComparison.Ordinal));
        Assert.Equal(CountIn(console, " t=") / 8, (uint)console[..end].Count(each => each == '.'));
        Assert.Equal((uint)_typed.Length, CountIn(console, " e="));
        Assert.NotEqual(0u, CountIn(console, " i="));
    }

    private static uint CountIn(string console, string name) => uint.Parse(
        console.AsSpan(console.IndexOf(name, StringComparison.Ordinal) + name.Length, 8),
        NumberStyles.HexNumber,
        CultureInfo.InvariantCulture);

    private async Task AssertJournalAsync(string store, byte[] image, string console)
    {
        output.WriteLine(await JournalProof.VerifyAsync(store));
        using JsonDocument replay = await JournalProof.ReplayAsync(store, s_vm);
        Assert.Equal(
            JournalProof.Sha256(Encoding.ASCII.GetBytes(console)),
            replay.RootElement.GetProperty("consoleSha256").GetString());
        output.WriteLine(replay.RootElement.GetRawText());

        await using IStore opened = await StoreOpening.OpenReadOnlyAsync(store, CancellationToken.None);
        VmHistory history = await JournalReplayer.ReadHistoryAsync(opened, s_vm, CancellationToken.None);
        JournalProof.AssertTwin(history, image, replay);
        await AssertRecoveriesAsync(opened, history);
    }

    /// <summary>Each recovery went on where the journal ended, and a guest that is rebuilt up to there has the state
    /// that the journal had when its node died.</summary>
    private async Task AssertRecoveriesAsync(IStore store, VmHistory history)
    {
        ReplayEvent[] own = [.. history.Events.Where(next => next.Stream == s_vm.Stream).OrderBy(next => next.Seq)];
        HostVendor vendor = default;
        (ulong VmTime, Machine.Hashing.StateHash State, HostVendor Vendor)? last = null;
        int recoveries = 0;
        foreach (ReplayEvent next in own)
        {
            last = next.Event switch
            {
                JournalEvent.Progress progress => (next.VmTime, progress.State, vendor),
                JournalEvent.SnapshotTaken taken => (next.VmTime, taken.State, vendor),
                _ => last,
            };
            if (next.Event is not JournalEvent.Placed placed)
            {
                continue;
            }

            if (_recoveries.TryGetValue(placed.Epoch.Value, out Recovery? recovery))
            {
                Assert.Equal((next.VmTime, last!.Value.VmTime), (recovery.VmTime, next.VmTime));
                using PastGuest past = await PastGuest.OpenAsync(
                    store, s_vm, next.VmTime, new MachineGuestFactory("past"), TimeProvider.System, default);

                // A node may have died before it journaled a state under its own vendor, which is in the hash.
                past.Guest.HostVendor = last.Value.Vendor;
                Assert.Equal(last.Value.State, past.Guest.HashState());
                recoveries++;
            }

            vendor = placed.HostVendor;
        }

        Assert.Equal(_recoveries.Count, recoveries);
        output.WriteLine($"{recoveries} recoveries went on in the state of the journal's last Progress");
    }
}
