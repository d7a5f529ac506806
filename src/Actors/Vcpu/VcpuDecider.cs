// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Diagnostics;
using KvmActors.Cpu.Cpuid;
using KvmActors.Persistence.Events;

namespace KvmActors.Actors.Vcpu;

/// <summary>State and command in, events or a refusal out. Pure.</summary>
public static class VcpuDecider
{
    public static VcpuDecision Decide(VcpuActorState state, VcpuCommand command) => command switch
    {
        VcpuCommand.Migrate migrate => Migrate(state, migrate),
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

    private static VcpuDecision.Refused Refused(RefusalKind kind, string expected, string found, string whatToDo) =>
        new(new Refusal(kind, expected, found, whatToDo));
}
