// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Diagnostics;
using KvmActors.Actors.Migration;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.KvmApi;
using KvmActors.Persistence.Events;

namespace KvmActors.Actors.Vcpu;

/// <summary>State and command in, events or a refusal out. Pure.</summary>
public static class VcpuDecider
{
    public static VcpuDecision Decide(VcpuActorState state, VcpuCommand command) => command switch
    {
        VcpuCommand.Migrate migrate => Migrate(state, migrate),
        VcpuCommand.SetCpuid set => SetCpuid(state, set),
        VcpuCommand.RecordPatches record => new VcpuDecision.Accepted(
            [.. record.Patches.Where(patch => patch.VcpuIndex == state.Index)
                .Select(patch => new JournalEvent.PatchApplied(patch))]),
        VcpuCommand.RecordCpuid record => Step(state, CpuidKvm2007.Cursors(record.Table)),
        _ => throw new UnreachableException(command.GetType().Name),
    };

    private static VcpuDecision.Accepted Step(VcpuActorState state, ImmutableArray<int> readNext) => new(
        readNext.AsSpan().SequenceEqual(CpuidKvm2007.Cursors(state.Cpuid).AsSpan())
            ? []
            : [new JournalEvent.CpuidStepped(readNext)]);

    private static VcpuDecision Migrate(VcpuActorState state, VcpuCommand.Migrate migrate)
    {
        if (migrate.VcpusOfVm > 1)
        {
            return Refused(
                RefusalKind.State,
                $"{state.Stream.Vm} to have one vCPU, because the vCPUs of a VM are placed together in this version",
                $"{migrate.VcpusOfVm}",
                $"Move the whole VM with: vm migrate {state.Stream.Vm}.");
        }

        if (state.Migration is { } other)
        {
            return Refused(
                RefusalKind.Busy,
                $"no move of {state.Stream} to be under way",
                $"migration {other}",
                "Send the command again when the move is over.");
        }

        return state.Node == migrate.To
            ? Refused(
                RefusalKind.State,
                $"a target other than the node of {state.Stream}",
                $"{migrate.To}",
                "It already runs there; nothing has to be done.")
            : new VcpuDecision.AskVmToMove(migrate.To);
    }

    /// <summary>KVM's own checks first, then whether the node can host such a guest. A set of the table that the guest
    /// runs with is journaled too: it succeeded.</summary>
    private static VcpuDecision SetCpuid(VcpuActorState state, VcpuCommand.SetCpuid set)
    {
        if (state.Migration is { } move)
        {
            return Refused(
                RefusalKind.Busy,
                $"no move of {state.Stream} to be under way",
                $"migration {move}",
                "Send the command again when the move is over.");
        }

        KvmResult<KvmVcpuCpuid> result = set.Now.SetCpuid2(set.Entries, set.Runtime);
        if (!result.Succeeded)
        {
            return Refused(
                KindOf(result.Error.Errno, set.Now.HasRun),
                $"KVM_SET_CPUID2 of {state.Stream} to succeed",
                result.Error.Errno.ToString().ToUpperInvariant(),
                result.Error.Sentence);
        }

        Refusal? unsuitable =
            CpuidPreflight.Check(set.Node, [new GuestCpuid(result.Value.Table, set.Observed)], set.Offered);
        return unsuitable is not null
            ? new VcpuDecision.Refused(unsuitable with
            {
                WhatToDo = "Set a table without these: vcpu cpuid set with --cut, or one of cpuid baseline.",
            })
            : new VcpuDecision.Accepted([new JournalEvent.CpuidSet(result.Value.Table)]);
    }

    private static RefusalKind KindOf(KvmErrno errno, bool hasRun) => errno switch
    {
        KvmErrno.EPerm => RefusalKind.Unsuitable,
        KvmErrno.EInval when hasRun => RefusalKind.State,
        _ => RefusalKind.Invalid,
    };

    private static VcpuDecision.Refused Refused(RefusalKind kind, string expected, string found, string whatToDo) =>
        new(new Refusal(kind, expected, found, whatToDo));
}
