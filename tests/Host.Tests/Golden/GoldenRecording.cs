// SPDX-License-Identifier: Apache-2.0

using System.IO.Compression;
using Google.Protobuf;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Host.Control;
using KvmActors.Host.Control.V1;
using KvmActors.Host.Tests.Cli;
using KvmActors.Host.Tests.Node;
using KvmActors.Samples.Guests;
using Microsoft.Data.Sqlite;

namespace KvmActors.Host.Tests.Golden;

/// <summary>Records what is kept under <c>Golden/N</c>: a VM of two vCPUs that is given another CPUID table, is typed
/// at, makes hypercalls of another vendor, goes over to a node of the other vendor, and is saved on the way; and one of
/// a single vCPU that is moved there by a message.</summary>
internal sealed class GoldenRecording(string folder) : IAsyncDisposable
{
    private LiveNode? _intel;
    private LiveNode? _amd;

    private string Store => Path.Combine(folder, "store.db");

    /// <summary>Leaves <c>store.db.gz</c>, <c>journal.jsonl</c> and <c>web.kvm</c> in the folder.</summary>
    public static async Task MakeAsync(string folder)
    {
        Directory.CreateDirectory(folder);
        await using (GoldenRecording recording = new(folder))
        {
            await recording.LiveAsync();
        }

        string store = Path.Combine(folder, "store.db");
        using (SqliteConnection connection = new($"Data Source={store};Pooling=False"))
        {
            await connection.OpenAsync();
            await using SqliteCommand vacuum = connection.CreateCommand();
            vacuum.CommandText = "VACUUM";
            await vacuum.ExecuteNonQueryAsync();
        }

        CliRun export = await DoneAsync("journal", "export", "--store", store);
        await File.WriteAllTextAsync(Path.Combine(folder, "journal.jsonl"), export.Out);
        await using (FileStream packed = File.Create(store + ".gz"))
        {
            await using GZipStream gzip = new(packed, CompressionLevel.SmallestSize);
            await using FileStream plain = File.OpenRead(store);
            await plain.CopyToAsync(gzip);
        }

        foreach (string suffix in new[] { "", ".writer", "-wal", "-shm" })
        {
            File.Delete(store + suffix);
        }

        Directory.Delete(Path.Combine(folder, "nodes"), recursive: true);
    }

    public async ValueTask DisposeAsync()
    {
        await LeaveAsync();
        if (_amd is not null)
        {
            await _amd.DisposeAsync();
        }

        File.Delete(Path.Combine(folder, "echo.elf"));
        File.Delete(Path.Combine(folder, "table.txt"));
    }

    private async Task LeaveAsync()
    {
        if (_intel is not null)
        {
            await _intel.DisposeAsync();
            _intel = null;
        }
    }

    private async Task LiveAsync()
    {
        string dump = Repository.File("samples/cpuid/intel-xeon-platinum-9242.txt");
        string settings = $"kvmactors.node.cpuid-source = \"file {dump}\"\nkvmactors.vm.cpu = node";
        _intel = await LiveNode.StartAsync(Store, "node-1", $"kvmactors.node.host-vendor = intel\n{settings}");
        _amd = await LiveNode.StartAsync(Store, "node-2", $"kvmactors.node.host-vendor = amd\n{settings}");
        await File.WriteAllBytesAsync(
            Path.Combine(folder, "echo.elf"), EchoGuest.Build(secondRests: true, HostVendor.Amd));
        await MoveByMessageAsync("solo");
        await MoveByTakeoverAsync("web");
    }

    private async Task MoveByMessageAsync(string vm)
    {
        await CreateAsync(vm, vcpus: 1);
        await VmAsync("start", vm);
        await TypeAsync(vm, "a", expected: "a");
        await VmAsync("pause", vm);
        await AtAsync("vcpu", "migrate", $"{vm}/0", "--to", "node-2");
        await VmAsync("resume", vm);
        await TypeAsync(vm, "bq", expected: " e=00000002\n");
    }

    private async Task MoveByTakeoverAsync(string vm)
    {
        await CreateAsync(vm, vcpus: 2);
        await SetCpuidAsync($"{vm}/1");
        await VmAsync("start", vm);
        await TypeAsync(vm, "a", expected: "a");
        await VmAsync("pause", vm);
        await VmAsync("save", vm, Path.Combine(folder, "web.kvm"));
        await LeaveAsync();
        await VmAsync("resume", vm);
        await TypeAsync(vm, "b", expected: "b");
        await VmAsync("pause", vm);
        await VmAsync("save", vm, Path.Combine(folder, "web.kvm"), "--force");
        await VmAsync("resume", vm);
        await TypeAsync(vm, "cq", expected: " e=00000003\n");
    }

    private Task<CliRun> CreateAsync(string vm, int vcpus) => VmAsync(
        "create", vm, "--image", Path.Combine(folder, "echo.elf"), "--vcpus", $"{vcpus}", "--memory", "8M", "--cpuid",
        TinyTable());

    /// <summary>A CPUID table that is short enough to be read in a diff.</summary>
    private string TinyTable()
    {
        string path = Path.Combine(folder, "table.txt");
        File.WriteAllText(path, """
            CPU 0:
               0x00000000 0x00: eax=0x00000001 ebx=0x756e6547 ecx=0x6c65746e edx=0x49656e69
               0x00000001 0x00: eax=0x00050657 ebx=0x00000800 ecx=0x00200000 edx=0x078bfbff
               0x80000000 0x00: eax=0x80000001 ebx=0x00000000 ecx=0x00000000 edx=0x00000000
               0x80000001 0x00: eax=0x00000000 ebx=0x00000000 ecx=0x00000001 edx=0x20100800

            """);
        return path;
    }

    /// <summary>The table as it was cut down to what the engine executes, with another stepping.</summary>
    private async Task SetCpuidAsync(string vcpu)
    {
        CliRun got = await AtAsync("vcpu", "cpuid", "get", vcpu, "--format", "raw");
        string path = TinyTable();
        await File.WriteAllTextAsync(path, got.Out.Replace("0x00050657", "0x00050656", StringComparison.Ordinal));
        await AtAsync("vcpu", "cpuid", "set", vcpu, path);
    }

    private async Task TypeAsync(string vm, string text, string expected)
    {
        using ControlClient client = new(Address);
        SendInputRequest input = new()
        {
            Command = client.NextCommand(),
            Name = vm,
            Data = ByteString.CopyFromUtf8(text),
        };
        await client.CallAsync(ControlMethods.SendInput, input, CancellationToken.None);
        string console = "";
        ConsoleRequest request = new() { Name = vm, Follow = true };
        await foreach (ConsoleChunk chunk in
            client.StreamAsync(ControlMethods.Console, request, CancellationToken.None))
        {
            console += chunk.Data.ToStringUtf8();
            if (console.Contains(expected, StringComparison.Ordinal))
            {
                return;
            }
        }

        Assert.Fail($"Expected \"{expected}\" on the console, found \"{console}\".");
    }

    private string Address => (_intel ?? _amd)!.Address;

    private Task<CliRun> VmAsync(string verb, string vm, params string[] more) => AtAsync(["vm", verb, vm, .. more]);

    private Task<CliRun> AtAsync(params string[] arguments) => DoneAsync([.. arguments, "--at", Address]);

    private static async Task<CliRun> DoneAsync(params string[] arguments)
    {
        CliRun run = await CliRun.OfAsync(arguments);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        return run;
    }
}
