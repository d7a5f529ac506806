// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Actors.Replay;
using KvmActors.Cpu.State;
using KvmActors.Host.Debug;
using KvmActors.Machine;

namespace KvmActors.Host.Journal.Trace;

/// <summary>Which registers a step has changed. The instruction pointer is none of them: the next line shows
/// it.</summary>
internal sealed class RegisterChanges
{
    private const string InstructionPointer = "rip";

    private static readonly string[] s_general =
    [
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
        "rflags",
    ];

    private readonly Timeline _timeline;
    private readonly bool _ofAll;
    private VcpuState? _before;

    /// <param name="ofAll">Also segments, control, debug and floating point registers, which costs much more.</param>
    public RegisterChanges(Timeline timeline, bool ofAll)
    {
        _timeline = timeline;
        _ofAll = ofAll;
    }

    /// <summary>To be called before a vCPU takes a step.</summary>
    public void Look(int vcpu) => _before = _ofAll ? _timeline.Machine.Debugger.Save(vcpu) : null;

    public IReadOnlyList<RegisterChange> Of(GuestTracer tracer) =>
        _before is { } before
            ? OfAll(before, _timeline.Machine.Debugger.Save(tracer.Stepped.Index))
            : OfGeneral(tracer);

    /// <summary>The registers of two states that differ.</summary>
    public static IReadOnlyList<RegisterChange> OfAll(VcpuState before, VcpuState after)
    {
        List<RegisterChange> changes = [];
        RegisterLayout layout = RegisterLayout.X8664;
        for (int number = 0; number < layout.Registers.Length; number++)
        {
            (byte[] old, byte[] now) = (layout.Read(before, number), layout.Read(after, number));
            string name = layout.Registers[number].Name;
            if (name != InstructionPointer && !old.AsSpan().SequenceEqual(now))
            {
                changes.Add(new RegisterChange(name == "eflags" ? "rflags" : name, Hex(old), Hex(now)));
            }
        }

        return changes;
    }

    private static List<RegisterChange> OfGeneral(GuestTracer tracer)
    {
        List<RegisterChange> changes = [];
        for (int register = 0; register < MachineDebugger.RegisterCount; register++)
        {
            (ulong old, ulong now) = (tracer.Before[register], tracer.After[register]);
            if (old != now)
            {
                changes.Add(new RegisterChange(s_general[register], $"0x{old:x}", $"0x{now:x}"));
            }
        }

        return changes;
    }

    private static string Hex(byte[] littleEndian)
    {
        string digits = Convert.ToHexStringLower([.. littleEndian.Reverse()]).TrimStart('0');
        return string.Create(CultureInfo.InvariantCulture, $"0x{(digits.Length == 0 ? "0" : digits)}");
    }
}

/// <summary>One register, before and behind.</summary>
internal sealed record RegisterChange(string Register, string Old, string New)
{
    public override string ToString() => $"{Register} {Old} -> {New}";
}
