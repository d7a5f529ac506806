// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.State;

namespace KvmActors.Host.Debug;

/// <summary>vCPUs in words.</summary>
internal sealed class MonitorVcpus(GdbView view)
{
    /// <summary>"* vCPU 0: 64-bit, CPL 0, running, RIP 0x101234, 5000 instructions": the star is the one that runs
    /// next.</summary>
    public string All()
    {
        StringBuilder text = new();
        int runner = view.Target.State.Runner;
        foreach (VcpuState state in view.Target.State.Vcpus)
        {
            text.Append(state.Index == runner ? "* " : "  ");
            text.Append(
                CultureInfo.InvariantCulture,
                $"{GdbThreads.Describe(state)}, RIP 0x{state.Rip:x}, {state.InstructionsRetired} instructions\n");
        }

        return text.ToString();
    }

    /// <summary>What <c>info registers</c> does not show, or not in full.</summary>
    public string ControlState()
    {
        VcpuState state = view.State;
        StringBuilder text = new();
        Line(text, $"vCPU {state.Index}: {GuestMode.Describe(state)}, {GuestMode.DescribeActivity(state)}");
        Line(text, $"cr0 {state.Cr0:x16}  cr2 {state.Cr2:x16}  cr3 {state.Cr3:x16}  cr4 {state.Cr4:x16}");
        Line(text, $"cr8 {state.Cr8:x16}  efer {state.Efer:x16}  xcr0 {state.Xcr0:x16}");
        string debug = string.Join("  ", state.DebugRegisters.Select(value => $"{value:x16}"));
        Line(text, $"dr0 to dr3, dr6, dr7  {debug}");
        for (int i = 0; i < state.Segments.Length; i++)
        {
            SegmentState segment = state.Segments[i];
            string name = $"{(SegmentName)i}".ToLowerInvariant();
            string rights = $"rights {segment.Attributes:x5}";
            Line(
                text,
                $"{name,-5} {segment.Selector:x4} base {segment.Base:x16} limit {segment.Limit:x8} {rights}");
        }

        Line(text, $"gdtr       base {state.Gdtr.Base:x16} limit {state.Gdtr.Limit:x4}");
        Line(text, $"idtr       base {state.Idtr.Base:x16} limit {state.Idtr.Limit:x4}");
        Line(text, $"waits: {Waiting(state)}");
        foreach (MsrValue msr in state.Msrs.Where(msr => msr.Value != 0))
        {
            Line(text, $"msr {msr.Index:x8} {msr.Value:x16}");
        }

        return text.ToString();
    }

    /// <summary>The whole table, or what one leaf answers now.</summary>
    /// <exception cref="CliFault">A word is no number.</exception>
    public string Cpuid(ImmutableArray<string> words)
    {
        VcpuState state = view.State;
        if (words.IsEmpty)
        {
            return string.Concat(state.Cpuid.Entries.Select(entry =>
                string.Create(
                    CultureInfo.InvariantCulture, $"{entry.Leaf:x8} {entry.Subleaf:x2}: {entry.Registers}\n")));
        }

        uint leaf = Word(words[0], "a leaf");
        uint subleaf = words.Length > 1 ? Word(words[1], "a subleaf") : 0;
        CpuidRegisters answer = state.Cpuid.Query(leaf, subleaf, state.CpuidRuntime);
        return string.Create(CultureInfo.InvariantCulture, $"{leaf:x8} {subleaf:x2}: {answer}\n");
    }

    private static uint Word(string text, string what)
    {
        ulong value = MonitorNumber.Hex(text, what);
        return value <= uint.MaxValue
            ? (uint)value
            : throw new CliFault($"Expected {what} of 32 bits, found \"{text}\".");
    }

    private static string Waiting(VcpuState state)
    {
        (bool Is, string What)[] all =
        [
            (state.Events.NmiPending, "an NMI"),
            (state.Events.NmiBlocked, "NMIs are blocked"),
            (state.Events.InitPending, "an INIT"),
            (state.Events.SipiVector is not null, "a start-up IPI"),
            (state.Events.IsKicked, "a kick"),
            (state.InterruptShadow != InterruptShadow.None, $"interrupts behind {state.InterruptShadow}"),
        ];
        string waiting = string.Join(", ", all.Where(one => one.Is).Select(one => one.What));
        return waiting.Length == 0 ? "nothing" : waiting;
    }

    private static void Line(StringBuilder text, FormattableString line) =>
        text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
