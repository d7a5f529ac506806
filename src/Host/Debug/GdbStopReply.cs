// SPDX-License-Identifier: Apache-2.0

using System.Text;
using KvmActors.Cpu.Debugging;

namespace KvmActors.Host.Debug;

/// <summary>Tells gdb why and where the guest stands.</summary>
/// <remarks>Source: the manual "Debugging with GDB", appendix "Remote Protocol", section "Stop Reply
/// Packets".</remarks>
internal static class GdbStopReply
{
    private const string Trap = "05";
    private const string Interrupt = "02";

    /// <param name="knowsBreaks">gdb announced that it understands swbreak and hwbreak.</param>
    public static GdbReply Of(DebugStop stop, GdbView view, BreakTable breaks, bool knowsBreaks)
    {
        StringBuilder text = new();
        text.Append('T').Append(stop is DebugStop.Interrupted ? Interrupt : Trap);
        text.Append("thread:").Append(GdbThreads.IdOf(stop.Vcpu)).Append(';');
        foreach (int number in view.Layout.Pressing)
        {
            text.Append(HexText.Of((ulong)number)).Append(':');
            text.Append(HexText.Of(view.Layout.Read(view.Target.State.Vcpus[stop.Vcpu], number))).Append(';');
        }

        return GdbReply.Of(text.Append(ReasonOf(stop, view, breaks, knowsBreaks)).ToString());
    }

    private static string ReasonOf(DebugStop stop, GdbView view, BreakTable breaks, bool knowsBreaks) => stop switch
    {
        // gdb looks for its breakpoint at RIP. Where code has a segment's base that is another address, and a stop that
        // claims to be a breakpoint's would be passed over in silence.
        DebugStop.Breakpoint hit when !knowsBreaks || view.Target.State.Vcpus[hit.Vcpu].Rip != hit.Address.Value => "",
        DebugStop.Breakpoint hit => breaks.IsSoftware(hit.Address) ? "swbreak:;" : "hwbreak:;",
        DebugStop.Watch hit => $"{WordOf(hit.Watchpoint.Kind)}:{HexText.Of(hit.Watchpoint.Start.Value)};",
        DebugStop.AtStart => "replaylog:begin;",
        DebugStop.AtEnd => "replaylog:end;",
        _ => "",
    };

    private static string WordOf(WatchKind kind) => kind switch
    {
        WatchKind.Write => "watch",
        WatchKind.Read => "rwatch",
        WatchKind.Access => "awatch",
    };
}
