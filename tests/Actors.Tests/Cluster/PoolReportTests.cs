// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Cluster;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Formats;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine;
using KvmActors.Persistence;
using KvmActors.Persistence.Events;
using KvmActors.Persistence.Membership;
using KvmActors.TestKit.Guests;
using Xunit;

namespace KvmActors.Actors.Tests.Cluster;

/// <summary>The CPUID pool of a cluster: what each node does to it, and where each VM could run.</summary>
public sealed class PoolReportTests
{
    private const uint Rdseed = 1 << 18;
    private const uint Smap = 1 << 20;
    private const uint Umip = 1 << 2;

    [Fact]
    public void The_node_that_alone_lacks_a_feature_costs_it_the_pool()
    {
        var pool = PoolReport.Of(
            [
                Node("node-3", Table(isAmd: true, Rdseed | Smap, Umip)),
                Node("node-1", Table(isAmd: false, Rdseed | Smap, Umip)),
                Node("node-2", Table(isAmd: false, Rdseed, 0)),
            ],
            []);

        Assert.Equal<string>(["node-1", "node-2", "node-3"], pool.Nodes);
        Assert.Equal<string>(["GenuineIntel", "AuthenticAMD"], pool.Vendors);
        Assert.Equal(1, pool.Features);
        Assert.Equal(
            [("node-1", "", ""), ("node-2", "smap, umip", "smap, umip"), ("node-3", "", "")],
            pool.Shares.Select(share =>
                (share.Node, string.Join(", ", share.Costs), string.Join(", ", share.Gains))));
        Assert.Empty(pool.Problems);
    }

    [Fact]
    public void A_vm_is_told_where_it_could_run_and_what_it_has_read_of_what_is_missing()
    {
        NodeRow[] nodes =
        [
            Node("node-1", Table(isAmd: false, Rdseed | Smap, Umip)),
            Node("node-2", Table(isAmd: true, Rdseed, Umip)),
        ];
        CpuidTable table = Table(isAmd: false, Rdseed | Smap, 0);

        var pool = PoolReport.Of(
            nodes,
            [Vm("web", table, new CpuidObservation(7, 0, 5, 1)), Vm("db", table), Vm("low", Table(false, Rdseed, 0))]);

        Assert.Equal<string>(["db", "low", "web"], pool.Vms.Select(vm => vm.Vm));
        Assert.Equal<string>(["node-1"], pool.Vms[0].CanRunOn);
        PoolReport.Obstacle never = Assert.Single(pool.Vms[0].Obstacles);
        Assert.Equal("node-2", never.Node);
        Assert.Empty(never.Read);
        Assert.Equal<string>(["smap"], never.NeverRead);
        Assert.Equal<string>(["node-1", "node-2"], pool.Vms[1].CanRunOn);
        Assert.Empty(pool.Vms[1].Obstacles);
        PoolReport.Obstacle read = Assert.Single(pool.Vms[2].Obstacles);
        Assert.Equal<string>(["smap"], read.Read);
        Assert.Empty(read.NeverRead);
        Assert.Equal(0, read.More);
    }

    [Fact]
    public void A_node_that_joins_or_leaves_changes_the_pool_and_where_a_vm_could_run()
    {
        NodeRow rich = Node("node-1", Table(isAmd: false, Rdseed | Smap, Umip));
        NodeRow poor = Node("node-2", Table(isAmd: false, Rdseed, 0));
        VmStatus web = Vm("web", Table(isAmd: false, Smap, 0));

        var alone = PoolReport.Of([rich], [web]);
        var both = PoolReport.Of([rich, poor], [web]);
        var left = PoolReport.Of([rich with { Status = NodeStatus.Dead }, poor], [web]);

        Assert.Equal((3, 1, 1), (alone.Features, both.Features, left.Features));
        Assert.Empty(Assert.Single(alone.Shares).Gains);
        Assert.Empty(Assert.Single(alone.Vms).Obstacles);
        Assert.Single(Assert.Single(both.Vms).Obstacles);
        Assert.Empty(Assert.Single(left.Vms).CanRunOn);
    }

    [Fact]
    public void A_table_that_does_not_read_is_a_sentence_and_its_node_is_left_out()
    {
        var pool = PoolReport.Of(
            [
                Node("node-1", Table(isAmd: false, Smap, 0)),
                Node("node-2", Table(isAmd: false, 0, 0)) with { CpuidTable = "{ no table" },
                Node("node-3", Table(isAmd: false, 0, 0)) with { CpuidTable = "" },
            ],
            [Vm("web", Table(isAmd: false, Smap, 0))]);

        Assert.Equal<string>(["node-1"], pool.Nodes);
        Assert.Equal<string>(["node-1"], Assert.Single(pool.Vms).CanRunOn);
        Assert.Equal(2, pool.Problems.Length);
        Assert.StartsWith("node-2 is left out", pool.Problems[0], StringComparison.Ordinal);
        Assert.StartsWith("node-3 is left out", pool.Problems[1], StringComparison.Ordinal);
    }

    [Fact]
    public void No_node_and_a_vm_that_nobody_runs_read_well_and_an_ended_one_is_passed_over()
    {
        VmStatus web = Vm("web", Table(isAmd: false, Smap, 0));

        var pool = PoolReport.Of(
            [],
            [web with { Machine = null, Problem = "Its owner gave no answer." }, web with { End = "It ended." }]);

        Assert.Empty(pool.Nodes);
        Assert.Equal(0, pool.Features);
        Assert.Equal("Its owner gave no answer.", Assert.Single(pool.Vms).Problem);
    }

    [Fact]
    public void Names_are_bounded_and_the_rest_is_a_count()
    {
        CpuidTable rich = Table(isAmd: false, uint.MaxValue, uint.MaxValue);

        var pool = PoolReport.Of(
            [Node("node-1", rich), Node("node-2", Table(isAmd: false, 0, 0))], [Vm("web", rich)]);

        PoolReport.Share share = pool.Shares[1];
        Assert.Equal(PoolReport.NamesMax, share.Costs.Length);
        Assert.True(share.MoreCosts > 0 && share.MoreGains > 0);
        PoolReport.Obstacle obstacle = Assert.Single(Assert.Single(pool.Vms).Obstacles);
        Assert.Equal(PoolReport.NamesMax, obstacle.NeverRead.Length);
        Assert.True(obstacle.More > 0);
    }

    private static CpuidTable Table(bool isAmd, uint ebx, uint ecx) => CpuidTable.Of(
    [
        isAmd
            ? new CpuidEntry(0, 0, CpuidEntryFlags.None, 7, 0x6874_7541, 0x444D_4163, 0x6974_6E65)
            : new CpuidEntry(0, 0, CpuidEntryFlags.None, 7, 0x756E_6547, 0x6C65_746E, 0x4965_6E69),
        new CpuidEntry(7, 0, CpuidEntryFlags.SignificantIndex, 0, ebx, ecx, 0),
    ]);

    private static NodeRow Node(string name, CpuidTable table) => new(
        new NodeId($"{name}#1"), "127.0.0.1:1", "boot", 1, HostVendor.Intel, NodeStatus.Active, 0,
        CpuidJson.Write(table));

    private static VmStatus Vm(string name, CpuidTable table, params CpuidObservation[] observed)
    {
        MachineSpec spec = new(1, 8 * 4096, HypercallPatchPolicy.Patch, 1000);
        using IGuest guest = new ModelGuestFactory().Create(
            spec, [table], HostVendor.Intel, new GuestImage(TestCluster.Program.ToImage(), string.Empty));
        MachineState machine = guest.Save();
        return new VmStatus(
            VmId.Parse(name),
            VmLifecycle.Running,
            new NodeId("node-1#1"),
            new Epoch(1),
            HostVendor.Intel,
            spec,
            "kernel.elf",
            new string('a', 64),
            VmTime: 9,
            InstructionsRetired: 8,
            DurableVmTime: 7,
            ConsoleBytes: 6,
            End: null,
            ExitCode: null,
            MovingTo: null,
            Problem: null,
            Recovery: null,
            Patches: [],
            machine with { Vcpus = [machine.Vcpus[0] with { Observed = [.. observed] }] });
    }
}
