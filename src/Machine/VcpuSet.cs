// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu;
using KvmActors.Cpu.Apic;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Machine;

/// <summary>The vCPUs of a VM: whose turn it is, and the interrupt messages between them.</summary>
/// <remarks>
/// <para><b>Turns.</b> vCPUs run in turns of <see cref="MachineSpec.TurnTicks"/> instructions, in the order of their
/// indices. One that stands still loses the rest of its turn to the next that can run. One that yields lends the rest
/// to another; if that stands still, the lender has it back, and the next turn is the one behind the lender's: so no
/// yields keep a vCPU from its turn. What several vCPUs do is a function of the machine's state, as with one.</para>
/// <para>Not thread-safe; see <see cref="VirtualMachine"/>.</para>
/// </remarks>
internal sealed class VcpuSet : IDisposable
{
    private readonly Vcpu[] _vcpus;
    private readonly ulong _turnTicks;

    public VcpuSet(MachineSpec spec, GuestMemory memory, IVcpuBus bus, EngineOptions? engine)
    {
        _turnTicks = spec.TurnTicks;
        TurnTicksLeft = spec.TurnTicks;
        _vcpus = new Vcpu[spec.VcpuCount];
        for (int index = 0; index < _vcpus.Length; index++)
        {
            _vcpus[index] = new Vcpu(index, memory, engine)
            {
                CpuidDialect = spec.CpuidDialect,
                RandomSeed = spec.RandomSeed,
                Bus = bus,
            };
        }
    }

    public int Turn { get; private set; }

    /// <summary>Who runs in that turn: another vCPU after a yield to it.</summary>
    public int Runner { get; private set; }

    public ulong TurnTicksLeft { get; private set; }

    /// <summary>The vCPU that runs.</summary>
    public Vcpu Current => _vcpus[Runner];

    /// <summary>What their engines have done, together.</summary>
    public EngineStatistics Statistics =>
        _vcpus.Aggregate(EngineStatistics.None, static (sum, vcpu) => sum.Plus(vcpu.Statistics));

    /// <summary>By all vCPUs since their creation.</summary>
    public ulong InstructionsRetired
    {
        get
        {
            ulong sum = 0;
            foreach (Vcpu vcpu in _vcpus)
            {
                sum += vcpu.InstructionsRetired;
            }

            return sum;
        }
    }

    public HostVendor HostVendor
    {
        get => _vcpus[0].HostVendor;
        set
        {
            foreach (Vcpu vcpu in _vcpus)
            {
                vcpu.HostVendor = value;
            }
        }
    }

    /// <summary>VM time at which the next timer of a local APIC fires, or null.</summary>
    public ulong? NextDeadline
    {
        get
        {
            ulong? next = null;
            foreach (Vcpu vcpu in _vcpus)
            {
                if (vcpu.NextDeadline is { } deadline && (next is null || deadline < next))
                {
                    next = deadline;
                }
            }

            return next;
        }
    }

    /// <summary>True if all read one TSC.</summary>
    public bool HaveOneTsc => Array.TrueForAll(_vcpus, vcpu => vcpu.TscAdjust == _vcpus[0].TscAdjust);

    /// <summary>True if one of them can run.</summary>
    public bool CanRun => Array.Exists(_vcpus, static vcpu => vcpu.CanRun);

    /// <summary>True if a vCPU stands still and an interrupt would wake it.</summary>
    public bool AwaitsInterrupt => _vcpus.Any(vcpu => vcpu.AwaitsInterrupt);

    public Vcpu this[int index] => _vcpus[index];

    public void ForEach(Action<Vcpu> action) => Array.ForEach(_vcpus, action);

    /// <summary>Fires the timers whose VM time has come.</summary>
    public void Advance(ulong vmTime)
    {
        foreach (Vcpu vcpu in _vcpus)
        {
            vcpu.Advance(vmTime);
        }
    }

    /// <summary>Gives the turn to a vCPU that can run; false if none can.</summary>
    public bool TryPick()
    {
        if (Current.CanRun)
        {
            return true;
        }

        Runner = Turn;
        for (int tried = 0; tried < _vcpus.Length; tried++)
        {
            if (Current.CanRun)
            {
                return true;
            }

            PassTurn();
        }

        return false;
    }

    /// <summary>The vCPU that runs has retired so many instructions.</summary>
    public void Charge(ulong retired)
    {
        if (retired > TurnTicksLeft)
        {
            throw new InvalidOperationException(
                $"Expected at most {TurnTicksLeft} instructions retired in this turn, found {retired}: the engine went "
                + "over its budget. This is a defect.");
        }

        TurnTicksLeft -= retired;
        if (TurnTicksLeft == 0)
        {
            PassTurn();
        }
    }

    /// <summary>Takes a message to the local APICs it is for.</summary>
    /// <param name="sender">Index of the vCPU it comes from, or null if it comes from a device.</param>
    /// <param name="message">What is sent; one with a shorthand has a sender.</param>
    /// <returns>How many took it.</returns>
    public int Send(int? sender, InterruptMessage message)
    {
        IEnumerable<Vcpu> receivers = _vcpus.Where(vcpu => message.Shorthand switch
        {
            DestinationShorthand.None => vcpu.IsAddressed(message),
            DestinationShorthand.Self => vcpu.Index == sender,
            DestinationShorthand.AllIncludingSelf => true,
            DestinationShorthand.AllExcludingSelf => vcpu.Index != sender,
        });
        if (message.Mode == DeliveryMode.LowestPriority)
        {
            receivers = receivers.OrderBy(vcpu => vcpu.InterruptPriority).ThenBy(vcpu => vcpu.Index);
            return receivers.Any(vcpu => vcpu.TryReceive(message)) ? 1 : 0;
        }

        return receivers.ToArray().Count(vcpu => vcpu.TryReceive(message));
    }

    /// <summary>Takes an interrupt to each vCPU of a set.</summary>
    /// <param name="targets">Bit n is the vCPU whose APIC id is <paramref name="firstApicId"/> + n.</param>
    /// <param name="firstApicId">The APIC id of bit 0.</param>
    /// <param name="message">What each gets; its destination does not count.</param>
    /// <returns>How many took it.</returns>
    public int Send(UInt128 targets, uint firstApicId, InterruptMessage message)
    {
        int taken = 0;
        foreach (Vcpu vcpu in _vcpus)
        {
            bool isTarget = vcpu.HasApicId && (uint)vcpu.Index >= firstApicId
                && (targets >> (vcpu.Index - (int)firstApicId) & 1) != 0;
            taken += isTarget && vcpu.TryReceive(message) ? 1 : 0;
        }

        return taken;
    }

    /// <summary>Wakes the vCPU with an APIC id out of HLT, if there is one.</summary>
    public void Kick(uint apicId) => _ = Send(sender: null, new InterruptMessage(
        Vector: 0,
        DeliveryMode.RemoteRead,
        IsLogical: false,
        apicId,
        DestinationShorthand.None,
        IsLevel: false,
        IsAsserted: true,
        IsWide: false));

    /// <summary>Lends the rest of the turn to the vCPU with an APIC id, if there is one that can run.</summary>
    public void YieldTo(ulong apicId)
    {
        if (apicId < (ulong)_vcpus.Length && _vcpus[apicId] is { HasApicId: true, CanRun: true })
        {
            Runner = (int)apicId;
        }
    }

    public ImmutableArray<VcpuState> Save() => [.. _vcpus.Select(vcpu => vcpu.Save())];

    public void Restore(ImmutableArray<VcpuState> states, int turn, int runner, ulong turnTicksLeft)
    {
        foreach (Vcpu vcpu in _vcpus)
        {
            vcpu.Restore(states[vcpu.Index]);
        }

        Turn = turn;
        Runner = runner;
        TurnTicksLeft = turnTicksLeft;
    }

    public void SetTables(ImmutableArray<CpuidTable> tables)
    {
        foreach (Vcpu vcpu in _vcpus)
        {
            vcpu.Cpuid = tables[vcpu.Index];
        }
    }

    public void Dispose()
    {
        foreach (Vcpu vcpu in _vcpus)
        {
            vcpu.Dispose();
        }
    }

    private void PassTurn()
    {
        Turn = (Turn + 1) % _vcpus.Length;
        Runner = Turn;
        TurnTicksLeft = _turnTicks;
    }
}
