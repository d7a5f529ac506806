// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using KvmActors.Actors.Cluster;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Fleet;
using KvmActors.Cpu.Cpuid.Formats;
using KvmActors.Cpu.Cpuid.Vetting;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Host.Configuration;
using KvmActors.Host.Control.V1;
using KvmActors.Host.Rpc;
using KvmActors.Machine;
using KvmActors.Persistence;
using KvmActors.Persistence.Membership;

namespace KvmActors.Host.Control;

/// <summary>From a request to create a VM to what the VM is made of.</summary>
internal sealed class BlueprintReader(ClusterNode node, IStore store, HostOptions options)
{
    /// <exception cref="RpcException">Something in the request cannot be used.</exception>
    public async Task<VmBlueprint> ReadAsync(CreateVmRequest request, CancellationToken stop)
    {
        MachineSpec spec = new(
            request.Vcpus == 0 ? 1 : (int)Math.Min(request.Vcpus, int.MaxValue),
            request.MemoryBytes == 0 ? options.Vm.MemoryBytes : request.MemoryBytes,
            PolicyOf(request.HypercallPatch),
            options.Vm.TurnTicks)
        {
            CpuidDialect = DialectOf(request.CpuidDialect),
            RandomSeed = request.HasRandomSeed ? request.RandomSeed : SeedOf(request.Name),
        };
        try
        {
            MachineSpecRules.Check(spec);
        }
        catch (ArgumentException fault)
        {
            throw new RpcException(RpcStatus.InvalidArgument, FaultSentence.Of(fault), inner: fault);
        }

        string? onNode = request.OnNode.Length == 0 ? null : request.OnNode;
        CpuidTable table = await TableAsync(request.Cpuid, spec.CpuidDialect, onNode ?? node.Id.Name, stop)
            .ConfigureAwait(false);
        return new VmBlueprint(
            ControlHandlers.VmOf(request.Name),
            spec,
            request.ImageName,
            request.Image.Memory,
            request.CommandLine,
            CpuidPlacement.OfAll(table, spec.VcpuCount),
            onNode)
        {
            Initrd = request.Initrd.Memory,
        };
    }

    /// <summary>The same for a name in every cluster; it is journaled, so this may change.</summary>
    private static ulong SeedOf(string name) =>
        BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(name)));

    private HypercallPatchPolicy PolicyOf(string word)
    {
        if (word.Length == 0)
        {
            return options.Vm.PatchPolicy;
        }

        foreach ((string known, HypercallPatchPolicy policy) in ConfigurationWords.PatchPolicies)
        {
            if (known == word)
            {
                return policy;
            }
        }

        throw new RpcException(
            RpcStatus.InvalidArgument,
            $"Expected auto, patch, emulate or inject for hypercall_patch, found \"{word}\". Choose one of them.");
    }

    private static CpuidDialect DialectOf(string word)
    {
        foreach ((string known, CpuidDialect dialect) in ConfigurationWords.CpuidDialects)
        {
            if (known == word || word.Length == 0)
            {
                return dialect;
            }
        }

        throw new RpcException(
            RpcStatus.InvalidArgument,
            $"Expected kvm or kvm2007 for cpuid_dialect, found \"{word}\". Choose one of them.");
    }

    private async Task<CpuidTable> TableAsync(
        CpuidChoice? choice, CpuidDialect dialect, string onNode, CancellationToken stop)
    {
        CpuidChoice.ChoiceOneofCase byDefault = options.Vm.Cpu == CpuidDefault.Node
            ? CpuidChoice.ChoiceOneofCase.Node
            : CpuidChoice.ChoiceOneofCase.Cluster;
        switch (choice is null or { ChoiceCase: CpuidChoice.ChoiceOneofCase.None } ? byDefault : choice.ChoiceCase)
        {
            case CpuidChoice.ChoiceOneofCase.Node:
                return await CommonAsync([onNode], stop).ConfigureAwait(false);
            case CpuidChoice.ChoiceOneofCase.Text:
                return TextTable(choice!.Text, dialect);
            case CpuidChoice.ChoiceOneofCase.Nodes:
                return await CommonAsync([.. choice!.Nodes.Names], stop).ConfigureAwait(false);
            default:
                IReadOnlyList<NodeRow> nodes = await ActiveAsync(stop).ConfigureAwait(false);
                return await CommonAsync(
                    [onNode, .. nodes.Select(row => row.Id.Name).Where(name => name != onNode)], stop)
                    .ConfigureAwait(false);
        }
    }

    private static CpuidTable TextTable(string text, CpuidDialect dialect)
    {
        try
        {
            return CpuidSource.Cut(CpuidFile.Read(text), dialect);
        }
        catch (CpuidFormatException fault)
        {
            throw new RpcException(RpcStatus.InvalidArgument, fault.Message, inner: fault);
        }
    }

    /// <summary>What the named nodes offer in common; vendor, family and name are those of the first.</summary>
    private async Task<CpuidTable> CommonAsync(ImmutableArray<string> names, CancellationToken stop)
    {
        if (names.IsEmpty)
        {
            throw new RpcException(
                RpcStatus.InvalidArgument, "Expected at least one node to take CPUID from, found none. Name one.");
        }

        IReadOnlyList<NodeRow> active = await ActiveAsync(stop).ConfigureAwait(false);
        ImmutableArray<CpuidTable> tables = [.. names.Select(name => TableOf(name, active))];
        return CpuidBaseline.Of(tables[0], [.. tables.Skip(1)]);
    }

    private CpuidTable TableOf(string name, IReadOnlyList<NodeRow> active)
    {
        // A node may be the last to know that the others have declared it dead: then another one will do.
        NodeRow row = active.FirstOrDefault(row => row.Id.Name == name) ?? throw new RpcException(
            name == options.Node.Name ? RpcStatus.Unavailable : RpcStatus.NotFound,
            $"Expected an active node named \"{name}\", found {string.Join(", ", active.Select(row => row.Id.Name))}. "
            + "Choose one of these.");
        try
        {
            return CpuidJson.Read(row.CpuidTable);
        }
        catch (Exception fault) when (fault is CpuidFormatException or ArgumentException)
        {
            throw new RpcException(
                RpcStatus.FailedPrecondition,
                $"Expected {name} to offer a CPUID table that reads, found in the store: {fault.Message} Start {name} "
                + "again, which stores it anew; or choose nodes without it, or a table, for the VM's CPUID.",
                inner: fault);
        }
    }

    private async Task<IReadOnlyList<NodeRow>> ActiveAsync(CancellationToken stop) =>
    [
        .. (await store.ListNodesAsync(stop).ConfigureAwait(false))
            .Where(row => row.Status == Persistence.Membership.NodeStatus.Active)
            .OrderBy(row => row.Id.Name, StringComparer.Ordinal),
    ];
}
