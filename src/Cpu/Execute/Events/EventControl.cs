// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Apic;
using KvmActors.Cpu.Execute.Delivery;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Events;

// JUSTIFICATION: see CpuState.
// SAFETY: works on the state of the engine it belongs to.

/// <summary>What interrupts a vCPU between two instructions: INIT, start-up IPIs, NMIs, interrupts.</summary>
/// <remarks>
/// <para><see cref="CpuState.EventsPending"/> tells the runner to look here. It is set wherever something may have
/// come; that nothing can be taken right now does not clear it.</para>
/// <para>Source: Intel SDM vol. 3A, table 7-2 "Priority Among Concurrent Events", section 10.4
/// "Multiple-Processor (MP) Initialization".</para>
/// </remarks>
internal sealed unsafe class EventControl
{
    private readonly VcpuEngine _engine;
    private bool _nmiPending;
    private bool _initPending;
    private bool _isKicked;
    private int _sipiVector = VectorSet.None;

    public EventControl(VcpuEngine engine)
    {
        _engine = engine;
        Apic = new LocalApic(engine.Index);
        ApicAccess = new ApicAccess(Apic, Send, vector => Bus.EndOfInterrupt(vector));
    }

    public LocalApic Apic { get; }

    public ApicAccess ApicAccess { get; }

    public IVcpuBus Bus { get; set; } = NoBus.Instance;

    /// <summary>From the delivery of an NMI to the next IRET.</summary>
    public bool NmiBlocked { get; set; }

    /// <summary>True if the vCPU runs, or stands still and an event waits that lets it run on, or has shut down and is
    /// to say so.</summary>
    public bool Wakes
    {
        get
        {
            CpuState* state = _engine.State;
            return state->Activity switch
            {
                VcpuActivity.Running => true,
                VcpuActivity.Halted => _initPending
                    || _isKicked
                    || (_nmiPending && !NmiBlocked)
                    || ((state->SystemFlags & RFlags.Interrupt) != 0 && HasInterrupt),
                VcpuActivity.WaitForSipi => _initPending || _sipiVector != VectorSet.None,
                VcpuActivity.Shutdown => true,
            };
        }
    }

    private bool HasInterrupt => Apic.Deliverable != VectorSet.None
        || (Apic.PassesExternalInterrupts && Bus.HasExternalInterrupt);

    /// <summary>To be called whenever something may have come, gone, or become deliverable.</summary>
    public void Refresh()
    {
        bool isPending = _nmiPending || _initPending || _sipiVector != VectorSet.None || Apic.HasRequest
            || (_isKicked && _engine.State->Activity == VcpuActivity.Halted)
            || (Apic.PassesExternalInterrupts && Bus.HasExternalInterrupt);
        _engine.State->EventsPending = isPending ? 1 : 0;
    }

    /// <summary>Takes a message that is for this vCPU.</summary>
    /// <returns>True if it was accepted.</returns>
    public bool TryReceive(in InterruptMessage message)
    {
        bool isAccepted = true;
        switch (message.Mode)
        {
            case DeliveryMode.Fixed or DeliveryMode.LowestPriority:
                isAccepted = Apic.TryAccept(message.Vector, message.IsLevel);
                break;
            case DeliveryMode.NonMaskable:
                _nmiPending = true;
                break;
            case DeliveryMode.Init:
                _initPending |= message.IsAsserted;
                _sipiVector = message.IsAsserted ? VectorSet.None : _sipiVector;
                break;
            case DeliveryMode.StartUp:
                bool isWaiting = _initPending || _engine.State->Activity == VcpuActivity.WaitForSipi;
                _sipiVector = isWaiting ? message.Vector : _sipiVector;
                break;
            case DeliveryMode.RemoteRead:
                // One that waits for its start-up IPI, or is shut down, has nothing to be woken from.
                _isKicked |= _engine.State->Activity is VcpuActivity.Running or VcpuActivity.Halted;
                break;
            case DeliveryMode.SystemManagement or DeliveryMode.External:
                isAccepted = false;
                break;
        }

        Refresh();
        return isAccepted;
    }

    /// <summary>Sends a message; one to itself does not need a bus.</summary>
    public void Send(InterruptMessage message)
    {
        if (message.Shorthand == DestinationShorthand.Self)
        {
            _ = TryReceive(message);
        }
        else
        {
            Bus.Send(_engine.Index, message);
        }
    }

    /// <summary>Takes the event that comes first, if one may be taken now. True if the state has changed.</summary>
    public bool TryTake()
    {
        CpuState* state = _engine.State;
        if (_initPending)
        {
            _initPending = false;
            InitReset.Apply(_engine);
            Refresh();
            return true;
        }

        if (state->Activity == VcpuActivity.WaitForSipi)
        {
            return TryStart(state);
        }

        if (state->Activity == VcpuActivity.Shutdown)
        {
            return false;
        }

        bool isTaken = TryTakeKick(state) || TryTakeNmi(state) || TryTakeInterrupt(state);
        if (isTaken)
        {
            Refresh();
        }

        return isTaken;
    }

    public VcpuEvents Save() => new(
        _nmiPending, NmiBlocked, _initPending, _sipiVector == VectorSet.None ? null : (byte)_sipiVector, _isKicked);

    public void Restore(VcpuEvents events)
    {
        _nmiPending = events.NmiPending;
        NmiBlocked = events.NmiBlocked;
        _initPending = events.InitPending;
        _sipiVector = events.SipiVector ?? VectorSet.None;
        _isKicked = events.IsKicked;
    }

    private bool TryStart(CpuState* state)
    {
        if (_sipiVector == VectorSet.None)
        {
            return false;
        }

        InitReset.StartAt(state, (byte)_sipiVector);
        _sipiVector = VectorSet.None;
        Refresh();
        return true;
    }

    /// <summary>A kick ends a HLT and does nothing else. It does not outlive a HLT that something else ends.</summary>
    /// <remarks>Source: Linux v6.19 arch/x86/kvm/x86.h:kvm_set_mp_state.</remarks>
    private bool TryTakeKick(CpuState* state)
    {
        if (!_isKicked || state->Activity != VcpuActivity.Halted)
        {
            return false;
        }

        _isKicked = false;
        state->Activity = VcpuActivity.Running;
        return true;
    }

    private bool TryTakeNmi(CpuState* state)
    {
        // The shadow of STI holds off an NMI too, which the manual leaves to the processor.
        if (!_nmiPending || NmiBlocked || state->InterruptShadow != 0)
        {
            return false;
        }

        _nmiPending = false;
        NmiBlocked = true;
        state->Activity = VcpuActivity.Running;
        ExceptionDelivery.DeliverInterrupt(state, Faults.NonMaskable);
        return true;
    }

    private bool TryTakeInterrupt(CpuState* state)
    {
        if ((state->SystemFlags & RFlags.Interrupt) == 0 || state->InterruptShadow != 0)
        {
            return false;
        }

        byte vector;
        if (Apic.Deliverable != VectorSet.None)
        {
            vector = Apic.Acknowledge();
        }
        else if (Apic.PassesExternalInterrupts && Bus.HasExternalInterrupt)
        {
            vector = Bus.AcknowledgeExternalInterrupt();
        }
        else
        {
            return false;
        }

        state->Activity = VcpuActivity.Running;
        ExceptionDelivery.DeliverInterrupt(state, vector);
        return true;
    }
}
