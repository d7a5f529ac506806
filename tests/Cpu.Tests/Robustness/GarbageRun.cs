// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Apic;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Tests.Robustness;

/// <summary>The life of a garbage guest: runs, exits that are served, and messages that come at set counts.</summary>
/// <remarks>What happens to it is a function of the seed and the counts, so that however it is cut, it is the same
/// life.</remarks>
internal sealed class GarbageRun : IDisposable
{
    private const ulong InstructionsMax = 1_500;
    private const int FruitlessMax = 200;
    private const int MessagesMax = 6;

    private readonly Queue<(ulong At, InterruptMessage Message)> _messages;
    private readonly HypercallPatchPolicy _policy;
    private readonly Random? _cuts;
    private Vcpu _vcpu;
    private ulong _time;
    private int _fruitless;

    /// <param name="seed">Of the guest.</param>
    /// <param name="spoilsTables">See <see cref="GarbageGuest"/>.</param>
    /// <param name="cuts">Where to stop, save and go on with a fresh vCPU; null for nowhere.</param>
    public GarbageRun(int seed, bool spoilsTables, Random? cuts)
    {
        (Memory, VcpuState state) = GarbageGuest.Of(seed, spoilsTables);
        Random random = new(~seed);
        _cuts = cuts;
        _policy = (HypercallPatchPolicy)random.Next(Enum.GetValues<HypercallPatchPolicy>().Length);
        _messages = new(Enumerable.Range(0, random.Next(MessagesMax))
            .Select(_ => ((ulong)random.Next((int)InstructionsMax), Message(random)))
            .OrderBy(message => message.Item1));
        _vcpu = new Vcpu(index: 0, Memory);
        _vcpu.Restore(state);
        End = Live();
        Invariants.Check(_vcpu, Memory);
    }

    public GuestMemory Memory { get; }

    /// <summary>What it came to, in a word or two.</summary>
    public string End { get; }

    public VcpuState State => _vcpu.Save();

    public void Dispose()
    {
        _vcpu.Dispose();
        Memory.Dispose();
    }

    private string Live()
    {
        while (_vcpu.InstructionsRetired < InstructionsMax)
        {
            while (_messages.TryPeek(out (ulong At, InterruptMessage Message) next)
                && (next.At <= _vcpu.InstructionsRetired || !_vcpu.CanRun))
            {
                _ = _vcpu.TryReceive(next.Message);
                _ = _messages.Dequeue();
            }

            _vcpu.Advance(_time);
            if (!_vcpu.CanRun)
            {
                if (_vcpu.NextDeadline is not { } deadline || deadline > _time + (1ul << 32))
                {
                    return "stands still";
                }

                _time = Math.Max(deadline, _time + 1);
                continue;
            }

            if (RunOnce() is { } end)
            {
                return end;
            }

            MoveNowAndThen();
        }

        return "runs";
    }

    private string? RunOnce()
    {
        ulong before = _vcpu.InstructionsRetired;
        ulong budget = InstructionsMax - before;
        budget = Math.Min(budget, _vcpu.NextDeadline is { } deadline ? Math.Max(deadline, _time + 1) - _time : budget);
        budget = _messages.TryPeek(out (ulong At, InterruptMessage) next) ? Math.Min(budget, next.At - before) : budget;
        budget = _cuts is null ? budget : Math.Min(budget, (ulong)_cuts.Next(1, 300));
        VmExit exit = _vcpu.Run(budget, _time);
        ulong ran = _vcpu.InstructionsRetired - before;
        if (ran > budget || (exit is VmExit.BudgetSpent && ran != budget && _vcpu.Activity == VcpuActivity.Running))
        {
            throw new InvalidOperationException($"Expected {exit} within {budget} instructions, found {ran}.");
        }

        _time += ran;
        before = _vcpu.InstructionsRetired;
        string? end = Serve(exit);
        ulong served = _vcpu.InstructionsRetired - before;
        _time += served;
        _fruitless = ran + served > 0 ? 0 : _fruitless;
        _fruitless += served > 0 || exit is VmExit.BudgetSpent or VmExit.DeadlineChanged ? 0 : 1;
        return end ?? (_fruitless > FruitlessMax ? "exits for ever" : null);
    }

    private string? Serve(VmExit exit)
    {
        switch (exit)
        {
            case VmExit.PortRead read:
                _vcpu.CompletePortRead(0x9E37_79B9u * (read.Port + (uint)_vcpu.InstructionsRetired));
                return null;
            case VmExit.PortWrite:
                _vcpu.CompletePortWrite();
                return null;
            case VmExit.Hypercall or VmExit.InvalidOpcode:
                _ = HypercallLayer.Serve(_vcpu, exit, _policy, _time);
                return null;
            case VmExit.Shutdown:
                return "shuts down";
            case VmExit.EmulationFailure failure:
                return $"fails ({failure.Reason})";
            default:
                return null;
        }
    }

    private void MoveNowAndThen()
    {
        if (_cuts is null || _cuts.Next(3) != 0)
        {
            return;
        }

        VcpuState saved = _vcpu.Save();
        _vcpu.Dispose();
        _vcpu = new Vcpu(index: 0, Memory);
        _vcpu.Restore(saved);
    }

    private static InterruptMessage Message(Random random) => new(
        (byte)random.Next(256),
        random.Next(8) switch
        {
            0 => DeliveryMode.NonMaskable,
            1 => DeliveryMode.Init,
            2 => DeliveryMode.StartUp,
            _ => DeliveryMode.Fixed,
        },
        IsLogical: false,
        Destination: 0,
        DestinationShorthand.None,
        IsLevel: random.Next(2) == 0,
        IsAsserted: true,
        IsWide: false);
}
