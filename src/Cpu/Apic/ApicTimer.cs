// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Apic;

/// <summary>The timer of a local APIC: one-shot, periodic or by the TSC. It has no clock: it says at which VM time it
/// fires, and is told when that has come.</summary>
/// <remarks>It counts at 1 GHz, as KVM's does: one count is one tick of VM time, times the divider. Source: Intel SDM
/// vol. 3A, section 12.5.4 "APIC Timer".</remarks>
internal sealed class ApicTimer
{
    /// <summary>A periodic timer never fires more often, so that a guest cannot stop the machine with it.</summary>
    public const ulong PeriodMin = 10_000;

    private const uint ModePeriodic = 1;
    private const uint ModeTscDeadline = 2;

    private uint _mode;
    private uint _initialCount;
    private uint _divideConfiguration;

    /// <summary>VM time at which the count reaches 0, or 0 if it does not run.</summary>
    public ulong Deadline { get; private set; }

    /// <summary>IA32_TSC_DEADLINE, or 0 where it is not armed.</summary>
    public ulong TscDeadline { get; private set; }

    public uint InitialCount => _initialCount;

    public bool IsByTsc => _mode == ModeTscDeadline;

    private ulong Divider => DividerOf(_divideConfiguration);

    private ulong Period => Math.Max(_initialCount * Divider, _mode == ModePeriodic ? PeriodMin : 1);

    /// <summary>Ticks of one count, by the divide configuration register.</summary>
    public static ulong DividerOf(uint configuration) =>
        1ul << (int)(((configuration & 3) | (configuration >> 1 & 4)) + 1 & 7);

    /// <summary>The mode of LVT timer bits 18:17. Leaving or entering TSC-deadline mode disarms the timer.</summary>
    public void SetMode(uint mode)
    {
        if ((mode == ModeTscDeadline) != IsByTsc)
        {
            Deadline = 0;
            TscDeadline = 0;
            _initialCount = 0;
        }

        _mode = mode;
    }

    public void SetInitialCount(uint count, ulong now)
    {
        if (IsByTsc)
        {
            return;
        }

        _initialCount = count;
        Deadline = count == 0 ? 0 : now + Period;
    }

    public void SetDivider(uint configuration, ulong now)
    {
        ulong left = CurrentCount(now);
        _divideConfiguration = configuration;
        Deadline = Deadline == 0 ? 0 : now + Math.Max(left * Divider, 1);
    }

    public uint CurrentCount(ulong now) =>
        Deadline <= now ? 0 : (uint)Math.Min((Deadline - now + Divider - 1) / Divider, _initialCount);

    public void SetTscDeadline(ulong value) => TscDeadline = IsByTsc ? value : 0;

    /// <summary>VM time at which it fires next, or null.</summary>
    /// <param name="tscAdjust">IA32_TSC_ADJUST: guest TSC minus VM time.</param>
    public ulong? Next(ulong tscAdjust)
    {
        if (!IsByTsc)
        {
            return Deadline == 0 ? null : Deadline;
        }

        // A deadline that lies before VM time 0 has passed.
        return TscDeadline == 0 ? null
            : (long)(TscDeadline - tscAdjust) < 0 ? 0
            : TscDeadline - tscAdjust;
    }

    /// <summary>Fires if its time has come: true once for each time it fires.</summary>
    public bool TryFire(ulong now, ulong tscAdjust)
    {
        if (Next(tscAdjust) is not { } due || due > now)
        {
            return false;
        }

        if (IsByTsc)
        {
            TscDeadline = 0;
        }
        else
        {
            Deadline = _mode == ModePeriodic ? due + (((now - due) / Period) + 1) * Period : 0;
        }

        return true;
    }

    public void Restore(uint mode, uint initialCount, uint divideConfiguration, ulong deadline, ulong tscDeadline)
    {
        _mode = mode;
        _initialCount = initialCount;
        _divideConfiguration = divideConfiguration;
        Deadline = deadline;
        TscDeadline = tscDeadline;
    }
}
