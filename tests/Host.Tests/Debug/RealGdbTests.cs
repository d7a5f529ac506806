// SPDX-License-Identifier: Apache-2.0

using KvmActors.Samples.Guests;
using Xunit.Abstractions;

namespace KvmActors.Host.Tests.Debug;

/// <summary>The real gdb over the recording of a guest of two vCPUs: what a person would type, and what gdb prints.
/// <see cref="DuetGuest"/> says what the guest does.</summary>
public sealed class RealGdbTests(RecordedDuet duet, ITestOutputHelper output) : IClassFixture<RecordedDuet>
{
    /// <summary>gdb up to 14, and from 15 on.</summary>
    private const string EndOfRecording = "No more reverse-execution history|Reached end of recorded history";

    private async Task<GdbRun> DebugAsync(string at, params string[] commands)
    {
        await using DebugVerbRun server = await DebugVerbRun.StartAsync("duet", "--store", duet.Store, "--at", at);
        GdbRun run = await server.GdbAsync(duet.Image, [.. commands, "detach"]);
        output.WriteLine(run.Output);
        output.WriteLine(server.Error);
        Assert.Contains("detached]", run.After("detach"), StringComparison.Ordinal);
        Assert.Equal(0, await server.ExitCode.WaitAsync(GdbRun.Patience));
        return run;
    }

    private static void AssertHas(string expected, string found) =>
        Assert.Contains(expected, found, StringComparison.Ordinal);

    [GdbFact]
    public async Task Who_wrote_this_byte_is_asked_from_the_end_backwards()
    {
        GdbRun gdb = await DebugAsync(
            "end",
            "print (int)*(char*)&victim",
            "watch *(char*)&victim",
            "reverse-continue",
            "x/i $pc",
            "backtrace 2",
            "stepi",
            "print/x *(char*)&victim");

        AssertHas("= 42", gdb.After("print (int)*(char*)&victim"));
        string found = gdb.After("reverse-continue");
        AssertHas("Thread 2 hit Hardware watchpoint 1: *(char*)&victim", found);
        AssertHas("Old value = 42", found);
        AssertHas("New value = 0", found);
        AssertHas("<corrupt>:\tmovb   $0x2a,", gdb.After("x/i $pc"));
        AssertHas("in corrupt ()", gdb.After("backtrace 2"));
        AssertHas("in work ()", gdb.After("backtrace 2"));
        AssertHas("= 0x2a", gdb.After("print/x *(char*)&victim"));
    }

    [GdbFact]
    public async Task A_breakpoint_is_met_on_the_way_on_and_on_the_way_back()
    {
        GdbRun gdb = await DebugAsync(
            "start",
            "break bump",
            "ignore 1 99",
            "continue",
            "print *(long*)&shared",
            "continue",
            "print *(long*)&shared + 0",
            "reverse-continue",
            "print *(long*)&shared + 1000");

        AssertHas("hit Breakpoint 1, ", gdb.After("continue"));
        AssertHas("$1 = 99", gdb.After("print *(long*)&shared"));
        AssertHas("hit Breakpoint 1, ", gdb.After("continue", occurrence: 1));
        AssertHas("$2 = 100", gdb.After("print *(long*)&shared + 0"));
        AssertHas("hit Breakpoint 1, ", gdb.After("reverse-continue"));
        AssertHas("$3 = 1099", gdb.After("print *(long*)&shared + 1000"));
    }

    [GdbFact]
    public async Task Steps_on_and_back_lead_through_the_same_instructions()
    {
        GdbRun gdb = await DebugAsync(
            "start",
            "break corrupt",
            "continue",
            "reverse-stepi",
            "x/i $pc",
            "stepi",
            "x/i $pc",
            "stepi",
            "x/i $pc",
            "reverse-stepi",
            "x/i $pc");

        AssertHas("Thread 2 hit Breakpoint 1, ", gdb.After("continue"));
        AssertHas("<work+35>:\tcall ", gdb.After("x/i $pc"));
        AssertHas("<corrupt>:\tmovb ", gdb.After("x/i $pc", occurrence: 1));
        AssertHas("<corrupt+8>:\tret", gdb.After("x/i $pc", occurrence: 2));
        AssertHas("<corrupt>:\tmovb ", gdb.After("x/i $pc", occurrence: 3));
    }

    [GdbFact]
    public async Task Vcpus_are_threads_with_registers_of_their_own()
    {
        GdbRun gdb = await DebugAsync(
            "end",
            "info threads",
            "print $rdi",
            "thread 2",
            "print $rdi + 0",
            "print $efer",
            "print $cr0",
            "info registers rip rsp mxcsr",
            "reverse-stepi",
            "info threads");

        AssertHas("* 1    Thread 1 (vCPU 0, 64-bit, CPL 0, running)", gdb.After("info threads"));
        AssertHas("  2    Thread 2 (vCPU 1, 64-bit, CPL 0, halted)", gdb.After("info threads"));
        AssertHas("$1 = 0", gdb.After("print $rdi"));
        AssertHas("Switching to thread 2", gdb.After("thread 2"));
        AssertHas("$2 = 1", gdb.After("print $rdi + 0"));
        AssertHas("[ LME LMA ]", gdb.After("print $efer"));
        AssertHas(" PG ]", gdb.After("print $cr0"));
        AssertHas("[ IM DM ZM OM UM PM ]", gdb.After("info registers rip rsp mxcsr"));
        AssertHas("* 2    Thread 2 (vCPU 1, 64-bit, CPL 0, running)", gdb.After("info threads", occurrence: 1));
    }

    [GdbFact]
    public async Task The_recording_has_two_ends()
    {
        GdbRun gdb = await DebugAsync(
            "1000", "reverse-continue", "info registers rip", "reverse-stepi", "continue", "info symbol $pc");

        Assert.Matches(EndOfRecording, gdb.After("reverse-continue"));
        AssertHas("0x10000c <start>", gdb.After("info registers rip"));
        Assert.Matches(EndOfRecording, gdb.After("reverse-stepi"));
        Assert.Matches(EndOfRecording, gdb.After("continue"));
        AssertHas("finish + ", gdb.After("info symbol $pc"));
    }

    [GdbFact]
    public async Task Monitor_goes_anywhere_and_shows_what_gdb_has_no_word_for()
    {
        GdbRun gdb = await DebugAsync(
            "end",
            "monitor goto 300000",
            "maintenance flush register-cache",
            "frame",
            "monitor time",
            "monitor vcpus",
            "monitor events",
            "monitor cpuid 0",
            "monitor patches",
            "monitor xp 0x103018 8",
            "maintenance packet Qqemu.PhyMemMode:1",
            "x/1xb &victim");

        AssertHas("Now at 300000; vCPU ", gdb.After("monitor goto 300000"));
        AssertHas("#0  0x", gdb.After("frame"));
        AssertHas("now    300000, 300000 instructions, vCPU ", gdb.After("monitor time"));
        AssertHas("vCPU 1, 64-bit, CPL 0, running, RIP 0x", gdb.After("monitor vcpus"));
        AssertHas("Went from created to running.", gdb.After("monitor events"));
        AssertHas("<- now", gdb.After("monitor events"));
        AssertHas("00000000 00: eax=0x", gdb.After("monitor cpuid 0"));
        AssertHas("No hypercall site was rewritten so far.", gdb.After("monitor patches"));
        AssertHas("0000000000103018  2a 00", gdb.After("monitor xp 0x103018 8"));
        AssertHas("received: \"OK\"", gdb.After("maintenance packet Qqemu.PhyMemMode:1"));
        AssertHas("<victim>:\t0x2a", gdb.After("x/1xb &victim"));
    }

    [GdbFact]
    public async Task What_was_recorded_cannot_be_changed()
    {
        GdbRun gdb = await DebugAsync(
            "end",
            "set var $rax = 5",
            "set var *(char*)&victim = 1",
            "print (int)*(char*)&victim");

        AssertHas("what was recorded cannot be changed", gdb.After("set var $rax = 5"));
        AssertHas("Cannot access memory", gdb.After("set var *(char*)&victim = 1"));
        AssertHas("= 42", gdb.After("print (int)*(char*)&victim"));
    }

    [GdbFact]
    public async Task A_gdb_without_symbols_sees_a_guest_of_32_bits_as_such()
    {
        await using DebugVerbRun server = await DebugVerbRun.StartAsync(
            "duet", "--store", duet.Store, "--at", "start", "--arch", "i386");

        GdbRun gdb = await server.GdbAsync(
            symbols: null, "x/2i $pc", "stepi", "print $esi", "print $cs_base", "reverse-stepi", "detach");

        output.WriteLine(gdb.Output);
        AssertHas("mov    $0x101000,%esi", gdb.After("x/2i $pc"));
        AssertHas("0x00100011 in ?? ()", gdb.After("stepi"));
        AssertHas("$1 = 1052672", gdb.After("print $esi"));
        AssertHas("$2 = 0", gdb.After("print $cs_base"));
        AssertHas("0x0010000c in ?? ()", gdb.After("reverse-stepi"));
    }

    [GdbFact]
    public async Task In_real_mode_code_is_at_its_segment_s_base_and_breakpoints_too()
    {
        await using DebugVerbRun server = await DebugVerbRun.StartAsync(
            "duet", "--store", duet.Store, "--at", "start", "--arch", "i386");

        GdbRun gdb = await server.GdbAsync(
            symbols: null,
            "set architecture i8086",
            "hbreak *0x9002",
            "continue",
            "print/x $cs_base",
            "print/x $eip",
            "x/i $cs_base+$eip",
            "monitor code",
            "stepi",
            "print/x $eip + 0",
            "detach");

        output.WriteLine(gdb.Output);
        AssertHas("Thread 2 received signal SIGTRAP", gdb.After("continue"));
        AssertHas("$1 = 0x9000", gdb.After("print/x $cs_base"));
        AssertHas("$2 = 0x2", gdb.After("print/x $eip"));
        AssertHas(",%ds", gdb.After("x/i $cs_base+$eip"));
        AssertHas("=> 0000000000009002  mov ds,ax", gdb.After("monitor code"));
        AssertHas("$3 = 0x4", gdb.After("print/x $eip + 0"));
    }
}
