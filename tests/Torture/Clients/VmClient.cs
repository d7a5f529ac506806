// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using Google.Protobuf;
using KvmActors.Host.Control;
using KvmActors.Host.Control.V1;
using KvmActors.Host.Rpc;

namespace KvmActors.Torture.Clients;

/// <summary>Whoever works with one VM: gives one command after the other, each under its own id, and sends it again
/// through other nodes until there is an answer.</summary>
internal sealed class VmClient(string vm, int vcpus, int nodeCount, ClusterClient cluster, RunLog log, int seed)
{
    private const ulong MemoryBytes = 8 << 20;

    private readonly string _client = $"client-{vm}-{seed.ToString(CultureInfo.InvariantCulture)}";
    private readonly Random _random = new(seed);
    private readonly List<Answered> _answered = [];
    private int _commands;

    public string Vm => vm;

    public int Vcpus => vcpus;

    public IReadOnlyList<Answered> Answered => _answered;

    /// <summary>All letters whose typing was acknowledged, in order.</summary>
    public string Typed => string.Concat(_answered.Where(each => each.IsDone).Select(each => each.Typed));

    public async Task CreateAsync(byte[] image)
    {
        Answered answer = await GiveAsync("create", "", ControlMethods.CreateVm, new CreateVmRequest
        {
            Command = NextCommand(),
            Name = vm,
            Image = ByteString.CopyFrom(image),
            ImageName = "echo",
            MemoryBytes = MemoryBytes,
            Vcpus = (uint)vcpus,
        });
        Assert.True(answer.IsDone, answer.Reply);
    }

    public Task StartAsync() => OrderAsync("start", ControlMethods.StartVm);

    public Task StopAsync() => OrderAsync("stop", ControlMethods.StopVm);

    /// <summary>Commands of all kinds until it is told to stop.</summary>
    public async Task WorkAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            switch (_random.Next(10))
            {
                case 0:
                    await OrderAsync("pause", ControlMethods.PauseVm);
                    await OrderAsync("resume", ControlMethods.ResumeVm);
                    break;
                case 1 or 2:
                    await MigrateAsync();
                    break;
                default:
                    await TypeAsync(NextWord());
                    break;
            }

            await Task.Delay(_random.Next(20, 300), CancellationToken.None);
        }
    }

    public Task TypeAsync(string letters) => GiveAsync("type", letters, ControlMethods.SendInput, new SendInputRequest
    {
        Command = NextCommand(),
        Name = vm,
        Data = ByteString.CopyFromUtf8(letters),
    });

    /// <summary>Gives a vCPU a table without its last entry.</summary>
    public async Task SetCpuidAsync()
    {
        string vcpu = $"{vm}/0";
        VcpuStatus status = await cluster.CallAsync(ControlMethods.ShowVcpu, new ShowVcpuRequest { Vcpu = vcpu });
        await GiveAsync("cpuid set", "", ControlMethods.SetVcpuCpuid, new SetVcpuCpuidRequest
        {
            Command = NextCommand(),
            Vcpu = vcpu,
            Entries = { status.Cpuid.Take(status.Cpuid.Count - 1) },
        });
    }

    /// <remarks>A second try that finds no VM had a first one that removed it: its reply went with it.</remarks>
    public async Task DeleteAsync()
    {
        Answered answer = await GiveAsync("delete", "", ControlMethods.DeleteVm, new DeleteVmRequest
        {
            Command = NextCommand(),
            Name = vm,
            Force = true,
        });
        Assert.True(
            answer.IsDone || answer.Reply.StartsWith(nameof(RpcStatus.NotFound), StringComparison.Ordinal),
            answer.Reply);
    }

    public Task<VmStatus> ShowAsync() =>
        cluster.CallAsync(ControlMethods.ShowVm, new ShowVmRequest { Name = vm });

    /// <summary>Sends each command that was done once more, under its ids: it must be answered the same, and not be
    /// done again.</summary>
    /// <returns>Those that were answered otherwise.</returns>
    public async Task<IReadOnlyList<(Answered First, string Again)>> AskAgainAsync()
    {
        List<(Answered, string)> others = [];
        foreach (Answered first in _answered.Where(each => each is { IsDone: true, AskAgain: not null }).ToArray())
        {
            string again = await first.AskAgain!();
            if (again != first.Reply)
            {
                others.Add((first, again));
            }
        }

        return others;
    }

    private async Task MigrateAsync()
    {
        string to = string.Create(CultureInfo.InvariantCulture, $"node-{1 + _random.Next(nodeCount)}");
        if (vcpus == 1 && _random.Next(2) == 0)
        {
            await GiveAsync("vcpu migrate", "", ControlMethods.MigrateVcpu, new MigrateVcpuRequest
            {
                Command = NextCommand(),
                Vcpu = $"{vm}/0",
                ToNode = to,
            });
            return;
        }

        await GiveAsync("vm migrate", "", ControlMethods.MigrateVm, new MigrateVmRequest
        {
            Command = NextCommand(),
            Name = vm,
            ToNode = to,
        });
    }

    private Task<Answered> OrderAsync(string what, RpcMethod<VmCommandRequest, VmStatus> method) =>
        GiveAsync(what, "", method, new VmCommandRequest { Command = NextCommand(), Name = vm });

    private async Task<Answered> GiveAsync<TRequest, TReply>(
        string what, string letters, RpcMethod<TRequest, TReply> method, TRequest request)
        where TRequest : IMessage
        where TReply : IMessage
    {
        CommandRef command = CommandOf(request);
        Answered answered;
        try
        {
            TReply reply = await cluster.CallAsync(method, request);
            answered = new Answered(
                vm, command, what, letters, IsDone: true, Kept(reply),
                async () =>
                {
                    try
                    {
                        return Kept(await cluster.CallAsync(method, request));
                    }
                    catch (RpcException fault)
                    {
                        return $"{fault.Status}: {fault.Message}";
                    }
                });
        }
        catch (RpcException fault)
        {
            answered = new Answered(
                vm, command, what, letters, IsDone: false, $"{fault.Status}: {fault.Message}", AskAgain: null);
        }

        log.Add(vm, $"{command.CommandId} {what} {letters}: {(answered.IsDone ? "done" : answered.Reply)}");
        _answered.Add(answered);
        return answered;
    }

    /// <summary>Of a reply what a retry must have too: a VM's status is that of now.</summary>
    private static string Kept(IMessage reply) => reply switch
    {
        VmStatus or VcpuStatus => "",
        MigrateVmReply move => $"{move.Move.Migration} {move.Move.From} {move.Move.To} {move.Move.EpochTo}",
        MigrateVcpuReply { Move: { } move } => $"{move.Migration} {move.From} {move.To} {move.EpochTo}",
        _ => reply.ToString() ?? "",
    };

    private static CommandRef CommandOf(IMessage request) => (CommandRef)request.Descriptor.FindFieldByName("command")
        .Accessor.GetValue(request);

    private CommandRef NextCommand() => new()
    {
        ClientId = _client,
        CommandId = (++_commands).ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>No dot, which the guest prints by itself, and no q, which ends it.</summary>
    private string NextWord() => string.Create(
        CultureInfo.InvariantCulture, $"{(char)('a' + _random.Next(13))}{_commands % 100}");
}
