// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;

namespace KvmActors.Cpu.Apic;

/// <summary>A vCPU's local APIC: what is requested and in service, its timer, and the commands it sends.</summary>
/// <remarks>
/// <para>It holds no clock. Whoever owns it calls <see cref="Advance"/> when VM time has reached
/// <see cref="NextDeadline"/>.</para>
/// <para>Errors are seen in the ESR at once, not after a write to it, as in KVM. There is no thermal sensor, no
/// performance counter and nothing at LINT1: those LVT entries are kept and never fire.</para>
/// <para>Source: Intel SDM vol. 3A, chapter 12 "Advanced Programmable Interrupt Controller (APIC)".</para>
/// </remarks>
internal sealed class LocalApic(int index)
{
    /// <summary>Version 14H with 6 LVT entries, as KVM's.</summary>
    public const uint Version = 0x0005_0014;

    public const uint LvtMasked = 1 << 16;

    /// <summary>ESR bits: what was sent or received had a vector below 16; no such register.</summary>
    public const uint SentIllegalVector = 1 << 5;
    public const uint ReceivedIllegalVector = 1 << 6;
    public const uint IllegalRegister = 1 << 7;

    private const uint SoftwareEnabled = 1 << 8;
    private const uint SpuriousDefined = 0x3FF;
    private const uint LvtTimerDefined = 0x7_10FF;
    private const uint LvtDefined = 0x1_17FF;
    private const uint LvtLintDefined = 0x1_F7FF;
    private const uint LvtErrorDefined = 0x1_10FF;
    public const int VectorMin = 16;
    private const int PriorityClass = 0xF0;

    private static readonly ApicRegister[] s_stored =
    [
        ApicRegister.LogicalDestination, ApicRegister.DestinationFormat, ApicRegister.SpuriousVector,
        ApicRegister.InterruptCommandLow, ApicRegister.InterruptCommandHigh, ApicRegister.LvtTimer,
        ApicRegister.LvtThermal, ApicRegister.LvtPerformance, ApicRegister.LvtLint0, ApicRegister.LvtLint1,
        ApicRegister.LvtError, ApicRegister.DivideConfiguration,
    ];

    private readonly VectorSet _requested = new();
    private readonly VectorSet _inService = new();
    private readonly VectorSet _isLevel = new();
    private readonly ApicTimer _timer = new();
    private readonly Dictionary<ApicRegister, uint> _plain = [];

    public ApicMode Mode { get; private set; }

    /// <summary>The APIC id: the index of the vCPU.</summary>
    public uint Id => (uint)index;

    public uint TaskPriority { get; set; }

    public uint ErrorStatus { get; private set; }

    public ulong TscDeadline => _timer.TscDeadline;

    public bool IsSoftwareEnabled => (Plain(ApicRegister.SpuriousVector) & SoftwareEnabled) != 0;

    /// <summary>True if LINT0 passes on what an 8259 asks for.</summary>
    public bool PassesExternalInterrupts
    {
        get
        {
            uint lint0 = Plain(ApicRegister.LvtLint0);
            return Mode == ApicMode.Disabled
                || ((lint0 & LvtMasked) == 0 && (DeliveryMode)(lint0 >> 8 & 7) == DeliveryMode.External);
        }
    }

    /// <summary>True if something is requested, whether or not its priority lets it through.</summary>
    public bool HasRequest => Mode != ApicMode.Disabled && IsSoftwareEnabled && _requested.Highest != VectorSet.None;

    /// <summary>The vector that may interrupt now, or <see cref="VectorSet.None"/>.</summary>
    public int Deliverable
    {
        get
        {
            int vector = HasRequest ? _requested.Highest : VectorSet.None;
            return (vector & PriorityClass) > (ProcessorPriority & PriorityClass) ? vector : VectorSet.None;
        }
    }

    public uint ProcessorPriority
    {
        get
        {
            uint inService = (uint)Math.Max(_inService.Highest, 0);
            return (TaskPriority & PriorityClass) >= (inService & PriorityClass)
                ? TaskPriority
                : inService & PriorityClass;
        }
    }

    private uint LogicalId => Mode == ApicMode.X2Apic
        ? (Id >> 4 << 16) | (1u << (int)(Id & 15))
        : Plain(ApicRegister.LogicalDestination);

    /// <summary>VM time at which the timer fires next, or null.</summary>
    public ulong? NextDeadline(ulong tscAdjust) => Mode == ApicMode.Disabled ? null : _timer.Next(tscAdjust);

    /// <summary>Fires what is due at this VM time.</summary>
    public void Advance(ulong now, ulong tscAdjust)
    {
        if (Mode != ApicMode.Disabled && _timer.TryFire(now, tscAdjust))
        {
            RaiseLocal(ApicRegister.LvtTimer);
        }
    }

    /// <summary>To be called with each new value of IA32_APIC_BASE. Disabling forgets everything but the id.</summary>
    public void SetMode(ApicMode mode)
    {
        if (mode == ApicMode.Disabled && Mode != ApicMode.Disabled)
        {
            Restore(LocalApicState.Reset((int)Id), mode);
        }

        Mode = mode;
    }

    /// <summary>True if a message is for this APIC, as far as its destination says.</summary>
    public bool IsAddressed(in InterruptMessage message)
    {
        if (Mode == ApicMode.Disabled)
        {
            return false;
        }

        uint everybody = message.IsWide ? uint.MaxValue : 0xFF;
        if (message.Destination == everybody)
        {
            return true;
        }

        if (!message.IsLogical)
        {
            return message.IsWide ? message.Destination == Id : message.Destination == (Id & 0xFF);
        }

        uint mine = LogicalId;
        if (Mode == ApicMode.X2Apic)
        {
            return mine >> 16 == message.Destination >> 16 && (mine & message.Destination & 0xFFFF) != 0;
        }

        uint mask = message.Destination & 0xFF;
        bool isFlat = Plain(ApicRegister.DestinationFormat) >> 28 == 0xF;
        return isFlat
            ? (mine >> 24 & mask) != 0
            : mine >> 28 == mask >> 4 && (mine >> 24 & mask & 0xF) != 0;
    }

    /// <summary>Requests an interrupt; false if this APIC takes none.</summary>
    public bool TryAccept(byte vector, bool isLevel)
    {
        if (Mode == ApicMode.Disabled || !IsSoftwareEnabled)
        {
            return false;
        }

        if (vector < VectorMin)
        {
            RaiseError(ReceivedIllegalVector);
            return true;
        }

        _requested.Add(vector);
        if (isLevel)
        {
            _isLevel.Add(vector);
        }
        else
        {
            _isLevel.Remove(vector);
        }

        return true;
    }

    /// <summary>The deliverable vector goes into service.</summary>
    public byte Acknowledge()
    {
        int vector = Deliverable;
        if (vector == VectorSet.None)
        {
            return (byte)Plain(ApicRegister.SpuriousVector);
        }

        _requested.Remove(vector);
        _inService.Add(vector);
        return (byte)vector;
    }

    /// <summary>Ends the interrupt in service with the highest priority.</summary>
    /// <returns>Its vector if it was level-triggered, else <see cref="VectorSet.None"/>.</returns>
    public int EndInterrupt()
    {
        int vector = _inService.Highest;
        if (vector == VectorSet.None)
        {
            return VectorSet.None;
        }

        _inService.Remove(vector);
        return _isLevel.Has(vector) ? vector : VectorSet.None;
    }

    public void RaiseError(uint errors)
    {
        ErrorStatus |= errors;
        RaiseLocal(ApicRegister.LvtError);
    }

    public void ClearErrors() => ErrorStatus = 0;

    public void SetTscDeadline(ulong value) => _timer.SetTscDeadline(value);

    /// <summary>A register's value; 0 for what does not exist.</summary>
    public uint Read(ApicRegister register, ulong now)
    {
        int bank = (int)register & 0x70;
        return register switch
        {
            ApicRegister.Id => Mode == ApicMode.X2Apic ? Id : Id << 24,
            ApicRegister.Version => Version,
            ApicRegister.TaskPriority => TaskPriority,
            ApicRegister.ProcessorPriority => ProcessorPriority,
            ApicRegister.LogicalDestination => LogicalId,
            ApicRegister.ErrorStatus => ErrorStatus,
            ApicRegister.InitialCount => _timer.InitialCount,
            ApicRegister.CurrentCount => _timer.IsByTsc ? 0 : _timer.CurrentCount(now),
            >= ApicRegister.InService and < ApicRegister.TriggerMode => _inService[bank >> 4],
            >= ApicRegister.TriggerMode and < ApicRegister.Request => _isLevel[bank >> 4],
            >= ApicRegister.Request and < ApicRegister.ErrorStatus => _requested[bank >> 4],
            _ => Plain(register),
        };
    }

    /// <summary>Sets a register that only stores or drives the timer. Commands (ICR, EOI, self IPI) and what the mode
    /// forbids are the caller's.</summary>
    public void Write(ApicRegister register, uint value, ulong now)
    {
        switch (register)
        {
            case ApicRegister.TaskPriority:
                TaskPriority = value & 0xFF;
                break;
            case ApicRegister.SpuriousVector:
                _plain[register] = value & SpuriousDefined;
                MaskIfDisabled();
                break;
            case ApicRegister.InitialCount:
                _timer.SetInitialCount(value, now);
                break;
            case ApicRegister.DivideConfiguration:
                _plain[register] = value & 0xB;
                _timer.SetDivider(value & 0xB, now);
                break;
            case ApicRegister.DestinationFormat:
                _plain[register] = value | 0x0FFF_FFFF;
                break;
            case ApicRegister.LogicalDestination:
                _plain[register] = value & 0xFF00_0000;
                break;
            case >= ApicRegister.LvtTimer and <= ApicRegister.LvtError:
                _plain[register] = (value & DefinedOf(register)) | (IsSoftwareEnabled ? 0 : LvtMasked);
                _timer.SetMode(Plain(ApicRegister.LvtTimer) >> 17 & 3);
                break;
            case ApicRegister.InterruptCommandLow or ApicRegister.InterruptCommandHigh:
                _plain[register] = value;
                break;
            default:
                break;
        }
    }

    /// <summary>The state, without the current count, which follows from the deadline.</summary>
    public LocalApicState Save()
    {
        byte[] page = new byte[LocalApicState.RegisterBytes];
        for (int offset = 0; offset < page.Length; offset += 16)
        {
            uint value = Read((ApicRegister)offset, now: ulong.MaxValue);
            BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(offset), value);
        }

        return new LocalApicState([.. page], _timer.Deadline, _timer.TscDeadline);
    }

    public void Restore(LocalApicState state, ApicMode mode)
    {
        Mode = mode;
        TaskPriority = state.Of(ApicRegister.TaskPriority) & 0xFF;
        ErrorStatus = state.Of(ApicRegister.ErrorStatus);
        for (int word = 0; word < 8; word++)
        {
            _inService[word] = state.Of(ApicRegister.InService + (16 * word));
            _isLevel[word] = state.Of(ApicRegister.TriggerMode + (16 * word));
            _requested[word] = state.Of(ApicRegister.Request + (16 * word));
        }

        _plain.Clear();
        foreach (ApicRegister register in s_stored)
        {
            _plain[register] = state.Of(register);
        }

        _timer.Restore(
            Plain(ApicRegister.LvtTimer) >> 17 & 3,
            state.Of(ApicRegister.InitialCount),
            Plain(ApicRegister.DivideConfiguration),
            state.TimerDeadline,
            state.TscDeadline);
    }

    private static uint DefinedOf(ApicRegister lvt) => lvt switch
    {
        ApicRegister.LvtTimer => LvtTimerDefined,
        ApicRegister.LvtLint0 or ApicRegister.LvtLint1 => LvtLintDefined,
        ApicRegister.LvtError => LvtErrorDefined,
        _ => LvtDefined,
    };

    private uint Plain(ApicRegister register) => _plain.GetValueOrDefault(register);

    private void MaskIfDisabled()
    {
        if (IsSoftwareEnabled)
        {
            return;
        }

        for (ApicRegister lvt = ApicRegister.LvtTimer; lvt <= ApicRegister.LvtError; lvt += 0x10)
        {
            _plain[lvt] = Plain(lvt) | LvtMasked;
        }
    }

    private void RaiseLocal(ApicRegister lvt)
    {
        uint entry = Plain(lvt);
        byte vector = (byte)entry;
        if ((entry & LvtMasked) == 0 && IsSoftwareEnabled && vector >= VectorMin)
        {
            _requested.Add(vector);
            _isLevel.Remove(vector);
        }
    }
}
