// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using Google.Protobuf;
using KvmActors.Actors.Vcpu;
using KvmActors.Actors.Vm;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Cpu.State;
using KvmActors.Host.Configuration;
using KvmActors.Host.Control.V1;
using KvmActors.Host.Journal;
using KvmActors.Persistence;
using KvmActors.Persistence.Membership;
using NodeStatusMessage = KvmActors.Host.Control.V1.NodeStatus;
using VmStatusMessage = KvmActors.Host.Control.V1.VmStatus;

namespace KvmActors.Host.Control;

/// <summary>What the cluster knows, as messages of <c>control.proto</c>. Pure.</summary>
internal static class ControlMessages
{
    private static readonly ImmutableArray<string> s_gprNames =
    [
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
        "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
    ];

    private static readonly ImmutableArray<string> s_segmentNames = ["es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"];

    public static VmStatusMessage Of(Actors.Vm.VmStatus status)
    {
        VmStatusMessage message = new()
        {
            Name = status.Vm.ToString(),
            State = EventText.WordOf(status.Lifecycle),
            Owner = status.Owner?.ToString() ?? "",
            Epoch = status.Epoch.Value,
            HostVendor = ConfigurationWords.Of(status.HostVendor),
            Vcpus = (uint)(status.Spec?.VcpuCount ?? 0),
            MemoryBytes = status.Spec?.MemoryBytes ?? 0,
            HypercallPatch = status.Spec is { } spec ? ConfigurationWords.Of(spec.PatchPolicy) : "",
            Image = status.Image,
            ImageSha256 = status.ImageSha256,
            VmTime = status.VmTime,
            Instructions = status.InstructionsRetired,
            DurableVmTime = status.DurableVmTime,
            ConsoleBytes = status.ConsoleBytes,
            End = status.End ?? "",
            MovingTo = status.MovingTo?.ToString() ?? "",
            Problem = status.Problem ?? "",
            Recovery = status.Recovery is { } recovery ? Of(recovery) : null,
            Patches = { status.Patches.Select(Of) },
            Move = status.Move is { } move ? MoveMessages.Of(move) : null,
        };
        if (status.ExitCode is { } exitCode)
        {
            message.ExitCode = exitCode;
        }

        return message;
    }

    /// <param name="nowMs">On the clock of leases.</param>
    public static NodeStatusMessage Of(NodeRow node, long nowMs, int vms) => new()
    {
        NodeId = node.Id.ToString(),
        Name = node.Id.Name,
        Link = node.Endpoint,
        ProcessId = (uint)node.ProcessId,
        HostVendor = ConfigurationWords.Of(node.HostVendor),
        State = node.Status switch
        {
            Persistence.Membership.NodeStatus.Active => "active",
            Persistence.Membership.NodeStatus.Draining => "draining",
            Persistence.Membership.NodeStatus.Dead => "dead",
        },
        LeaseMs = node.LeaseUntilMs - nowMs,
        Vms = (uint)vms,
    };

    /// <param name="vcpu">One of the VM's, whose machine state is published.</param>
    public static VcpuStatus Of(Actors.Vm.VmStatus status, StreamId vcpu, VcpuState state) => new()
    {
        Name = vcpu.ToString(),
        Owner = status.Owner?.ToString() ?? "",
        Epoch = status.Epoch.Value,
        HostVendor = ConfigurationWords.Of(status.HostVendor),
        VmTime = status.Machine!.VmTime,
        Activity = state.Activity switch
        {
            VcpuActivity.Running => "running",
            VcpuActivity.Halted => "halted",
            VcpuActivity.Shutdown => "shutdown",
            VcpuActivity.WaitForSipi => "wait-for-sipi",
        },
        Instructions = state.InstructionsRetired,
        Registers = { RegistersOf(state) },
        Cpuid = { CpuidMessages.Get(state).Select(CpuidMessages.Of) },
        CpuidRead = { state.Observed.Select(Of) },
        Patches = { status.Patches.Where(patch => patch.Patch.VcpuIndex == vcpu.VcpuIndex).Select(Of) },
        CpuidDialect = ConfigurationWords.Of(status.Spec?.CpuidDialect ?? CpuidDialect.Kvm),
    };

    private static V1.Recovery Of(RecoveryReport recovery) => new()
    {
        From = recovery.From?.ToString() ?? "",
        Epoch = recovery.Epoch.Value,
        SnapshotVmTime = recovery.SnapshotVmTime,
        VmTime = recovery.VmTime,
        EventsReplayed = (uint)recovery.EventsReplayed,
        TookMs = recovery.Took.TotalMilliseconds,
    };

    private static Patch Of(VcpuPatch placed)
    {
        HypercallPatch patch = placed.Patch;
        return new Patch
        {
            Vcpu = (uint)patch.VcpuIndex,
            VmTime = patch.VmTime,
            Gva = patch.Gva.Value,
            Gpa = patch.Gpa.Value,
            Before = ByteString.CopyFrom(patch.Before.AsSpan()),
            After = ByteString.CopyFrom(patch.After.AsSpan()),
            Vendor = ConfigurationWords.Of(patch.Vendor),
            NodeId = placed.Node?.ToString() ?? "",
        };
    }

    private static CpuidRead Of(CpuidObservation read) => new()
    {
        Leaf = read.Leaf,
        Subleaf = read.Subleaf,
        FirstVmTime = read.FirstVmTime,
        Reads = read.Reads,
    };

    private static IEnumerable<Register> RegistersOf(VcpuState state)
    {
        IEnumerable<(string Name, ulong Value)> all =
        [
            .. s_gprNames.Zip(state.Gprs),
            ("rip", state.Rip),
            ("rflags", state.RFlags),
            .. s_segmentNames.Zip(state.Segments.Select(segment => (ulong)segment.Selector)),
            ("fs.base", state.Segments[4].Base),
            ("gs.base", state.Segments[5].Base),
            ("gdtr.base", state.Gdtr.Base),
            ("idtr.base", state.Idtr.Base),
            ("cr0", state.Cr0),
            ("cr2", state.Cr2),
            ("cr3", state.Cr3),
            ("cr4", state.Cr4),
            ("cr8", state.Cr8),
            ("efer", state.Efer),
            ("xcr0", state.Xcr0),
        ];
        return all.Select(register => new Register { Name = register.Name, Value = register.Value });
    }
}
