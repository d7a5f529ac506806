// SPDX-License-Identifier: Apache-2.0

using System.Text;
using System.Xml.Linq;
using KvmActors.Host.Debug;
using KvmActors.Machine;
using KvmActors.Samples.Guests;
using Xunit.Abstractions;

namespace KvmActors.Host.Tests.Debug;

/// <summary>The remote protocol, packet by packet, over a recorded guest of two vCPUs.</summary>
public sealed class GdbSessionTests : IDisposable
{
    private const string Supported = "qSupported:multiprocess+;swbreak+;hwbreak+;vContSupported+";

    private readonly ITestOutputHelper _output;
    private readonly SteppedTarget _target = DuetRecording.Open();
    private readonly List<string> _notices = [];
    private readonly GdbSession _session;

    public GdbSessionTests(ITestOutputHelper output)
    {
        _output = output;
        _target.GoToAsync(_target.End, CancellationToken.None).GetAwaiter().GetResult();
        _session = new GdbSession(_target, RegisterLayout.X8664, _notices.Add);
    }

    public void Dispose() => _target.Dispose();

    private async Task<string> AskAsync(string packet)
    {
        GdbReply reply = await _session.AnswerAsync(Encoding.Latin1.GetBytes(packet), CancellationToken.None);
        return string.Join('\n', reply.Payloads.Select(payload => Encoding.Latin1.GetString(payload.Span)));
    }

    private static string TextOf(string digits) => Encoding.UTF8.GetString(Convert.FromHexString(digits));

    /// <summary>The address of the one instruction of the guest that is executed once, by vCPU 1, and writes.</summary>
    private string Corrupt => $"{_target.Steps.GroupBy(step => step.Rip.Value).Single(same =>
        same.Count() == 1 && same.Key is > 0x10_2050 and < 0x10_2078 && same.First().Vcpu == 1).Key:x}";

    [Fact]
    public async Task The_first_answer_says_what_the_server_can_do()
    {
        string[] features = (await AskAsync(Supported)).Split(';');

        Assert.Equal(
            [
                "PacketSize=4000", "QStartNoAckMode+", "qXfer:features:read+", "vContSupported+", "swbreak+",
                "hwbreak+", "ReverseStep+", "ReverseContinue+",
            ],
            features);
    }

    [Theory]
    [InlineData("vMustReplyEmpty")]
    [InlineData("qXfer:exec-file:read:1:0,1000")]
    [InlineData("qTStatus")]
    [InlineData("!")]
    [InlineData("vRun;")]
    [InlineData("")]
    public async Task A_packet_that_is_not_known_is_answered_with_an_empty_one(string packet) =>
        Assert.Equal("", await AskAsync(packet));

    [Theory]
    [InlineData("p")]
    [InlineData("pzz")]
    [InlineData("m10")]
    [InlineData("m10,20,30")]
    [InlineData("m,")]
    [InlineData("Z0,,")]
    [InlineData("Z5,1000,1")]
    [InlineData("Z0,1000,1;X10,22")]
    [InlineData("z9,1000,1")]
    [InlineData("Hg3")]
    [InlineData("Hx1")]
    [InlineData("T3")]
    [InlineData("T0")]
    [InlineData("qThreadExtraInfo,9")]
    [InlineData("qXfer:features:read:target.xml:0")]
    [InlineData("qRcmd,6")]
    [InlineData("qRcmd,zz")]
    public async Task A_packet_that_does_not_read_is_answered_with_an_error(string packet) =>
        Assert.Equal("E16", await AskAsync(packet));

    [Theory]
    [InlineData("c1000")]
    [InlineData("s1000")]
    [InlineData("vCont;")]
    [InlineData("vCont;r1000,2000:1")]
    [InlineData("vCont;s:9")]
    [InlineData("vCont;s:1:1")]
    public async Task A_guest_does_not_go_on_as_no_recording_could(string packet)
    {
        Moment before = _target.Now;

        Assert.StartsWith("E.Expected c, s, bc, bs or vCont", await AskAsync(packet), StringComparison.Ordinal);
        Assert.Equal(before, _target.Now);
    }

    [Theory]
    [InlineData("G00")]
    [InlineData("P10=0000000000000000")]
    [InlineData("M103018,1:2b")]
    [InlineData("X103018,1:+")]
    public async Task Writing_is_refused_in_words_and_the_person_at_the_server_is_told(string packet)
    {
        string answer = await AskAsync(packet);

        Assert.Contains("of what was recorded cannot be changed", answer, StringComparison.Ordinal);
        Assert.StartsWith("E.", answer, StringComparison.Ordinal);
        Assert.StartsWith("gdb wanted to write.", Assert.Single(_notices), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_monitor_command_is_answered_in_pieces_that_fit_a_packet()
    {
        string[] answer = (await AskAsync("qRcmd,6370756964")).Split('\n');

        Assert.Equal("OK", answer[^1]);
        Assert.All(answer[..^1], packet => Assert.StartsWith("O3", packet, StringComparison.Ordinal));
        Assert.StartsWith("00000000 00: eax=", TextOf(answer[0][1..]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Vcpus_are_threads()
    {
        Assert.Equal("m1,2", await AskAsync("qfThreadInfo"));
        Assert.Equal("l", await AskAsync("qsThreadInfo"));
        Assert.Equal("OK", await AskAsync("T2"));
        Assert.Equal("QC1", await AskAsync("qC"));
        Assert.Equal("OK", await AskAsync("Hg2"));
        Assert.Equal("QC2", await AskAsync("qC"));
        Assert.Equal("vCPU 1, 64-bit, CPL 0, halted", TextOf(await AskAsync("qThreadExtraInfo,2")));
    }

    [Fact]
    public async Task The_description_read_in_parts_lists_each_register_of_g_in_its_order()
    {
        StringBuilder xml = new();
        string part;
        do
        {
            part = await AskAsync($"qXfer:features:read:target.xml:{xml.Length:x},100");
            xml.Append(part.AsSpan(1));
        }
        while (part[0] == 'm');

        var description = XDocument.Parse(xml.ToString());
        int bits = description.Descendants("reg").Sum(register => (int)register.Attribute("bitsize")!);
        Assert.Equal(bits / 4, (await AskAsync("g")).Length);
        Assert.Equal(
            RegisterLayout.X8664.Registers.Select(register => register.Name),
            description.Descendants("reg").Select(register => (string)register.Attribute("name")!));
        Assert.Equal("E00", await AskAsync("qXfer:features:read:other.xml:0,100"));
    }

    [Fact]
    public async Task One_register_is_what_all_of_them_have_in_its_place()
    {
        string all = await AskAsync("g");
        int at = 0;
        for (int number = 0; number < RegisterLayout.X8664.Registers.Length; number++)
        {
            int digits = 2 * RegisterLayout.X8664.Registers[number].SizeBytes;
            Assert.Equal(all.Substring(at, digits), await AskAsync($"p{number:x}"));
            at += digits;
        }

        Assert.Equal(at, all.Length);
        Assert.StartsWith("E.Expected a register below", await AskAsync($"p{255:x}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Memory_is_read_as_far_as_there_is_some()
    {
        Assert.Equal("64", await AskAsync("m103000,1"));
        Assert.Equal("", await AskAsync("m103000,0"));
        Assert.Equal(2 * 0x10, (await AskAsync("m3ffff0,1000")).Length);
        Assert.Equal("E0e", await AskAsync("m400000,1"));
        Assert.Equal("E0e", await AskAsync("mffffffffffffffff,8"));
        Assert.True((await AskAsync("m0,ffffffff")).Length <= GdbFrameDecoder.PayloadBytesMax);
    }

    [Fact]
    public async Task Physical_memory_is_read_while_it_is_asked_for()
    {
        Assert.Equal("0", await AskAsync("qqemu.PhyMemMode"));
        Assert.Equal("OK", await AskAsync("Qqemu.PhyMemMode:1"));
        Assert.Equal("1", await AskAsync("qqemu.PhyMemMode"));
        Assert.Equal("64", await AskAsync("m103000,1"));
        Assert.Equal("OK", await AskAsync("Qqemu.PhyMemMode:0"));
        Assert.Equal("0", await AskAsync("qqemu.PhyMemMode"));
    }

    [Fact]
    public async Task A_breakpoint_is_met_on_the_way_back_and_on_the_way_on()
    {
        await AskAsync(Supported);
        Assert.Equal("OK", await AskAsync($"Z0,{Corrupt},1"));

        string back = await AskAsync("bc");
        Moment there = _target.Now;
        string begin = await AskAsync("bc");
        string on = await AskAsync("vCont;c");

        Assert.StartsWith("T05thread:2;", back, StringComparison.Ordinal);
        Assert.EndsWith(";swbreak:;", back, StringComparison.Ordinal);
        Assert.EndsWith("replaylog:begin;", begin, StringComparison.Ordinal);
        Assert.Equal(back, on);
        Assert.Equal(there, _target.Now);
        Assert.Equal(on, await AskAsync("?"));
    }

    [Fact]
    public async Task A_breakpoint_that_was_taken_away_is_passed()
    {
        await AskAsync(Supported);
        await AskAsync($"Z1,{Corrupt},1");
        await AskAsync("bc");
        Assert.Equal("OK", await AskAsync($"z1,{Corrupt},1"));

        Assert.EndsWith("replaylog:end;", await AskAsync("c"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_gdb_that_does_not_know_the_reasons_is_not_told_them()
    {
        await AskAsync("qSupported:multiprocess+");
        await AskAsync($"Z0,{Corrupt},1");

        Assert.DoesNotContain("break", await AskAsync("bc"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_watchpoint_backwards_stops_before_the_instruction_that_wrote()
    {
        Assert.Equal("OK", await AskAsync("Z2,103018,1"));

        string stop = await AskAsync("bc");

        Assert.StartsWith("T05thread:2;", stop, StringComparison.Ordinal);
        Assert.EndsWith("watch:103018;", stop, StringComparison.Ordinal);
        Assert.Equal("00", await AskAsync("m103018,1"));
        Assert.StartsWith("T05thread:2;", await AskAsync("vCont;s:2;c"), StringComparison.Ordinal);
        Assert.Equal($"{DuetGuest.Corruption:x2}", await AskAsync("m103018,1"));
    }

    [Fact]
    public async Task A_step_back_and_a_step_on_end_where_they_began()
    {
        await AskAsync("Z2,103018,1");
        await AskAsync("bc");
        await AskAsync("z2,103018,1");
        string registers = await AskAsync("g");

        await AskAsync("bs");
        Assert.NotEqual(registers, await AskAsync("g"));
        await AskAsync("vCont;s:2;c");

        Assert.Equal(registers, await AskAsync("g"));
    }

    [Fact]
    public async Task A_step_is_the_chosen_vcpus()
    {
        await _target.GoToAsync(new Moment(600), CancellationToken.None);
        ulong[] before = [.. _target.State.Vcpus.Select(vcpu => vcpu.InstructionsRetired)];

        Assert.StartsWith("T05thread:2;", await AskAsync("vCont;s:2"), StringComparison.Ordinal);
        Assert.Equal(before[1] + 1, _target.State.Vcpus[1].InstructionsRetired);
        Assert.Equal("OK", await AskAsync("Hc1"));
        ulong own = _target.State.Vcpus[0].InstructionsRetired;
        Assert.StartsWith("T05thread:1;", await AskAsync("s"), StringComparison.Ordinal);
        Assert.Equal(own + 1, _target.State.Vcpus[0].InstructionsRetired);
    }

    [Fact]
    public async Task An_interrupt_stops_the_guest_with_signal_2()
    {
        using CancellationTokenSource interrupt = new();
        await interrupt.CancelAsync();

        GdbReply reply = await _session.AnswerAsync("bc"u8.ToArray(), interrupt.Token);

        Assert.StartsWith("T02", Encoding.Latin1.GetString(reply.Payloads[0].Span), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("D", "OK")]
    [InlineData("D;1", "OK")]
    [InlineData("vKill;1", "OK")]
    [InlineData("k", "")]
    public async Task Detach_and_kill_end_the_session(string packet, string answer)
    {
        GdbReply reply = await _session.AnswerAsync(Encoding.Latin1.GetBytes(packet), CancellationToken.None);

        Assert.True(reply.EndsSession);
        Assert.Equal(answer, string.Concat(reply.Payloads.Select(payload => Encoding.Latin1.GetString(payload.Span))));
    }

    [Fact]
    public async Task Too_many_breakpoints_and_too_wide_a_watchpoint_are_refused()
    {
        for (int i = 0; i < BreakTable.CountMax; i++)
        {
            Assert.Equal("OK", await AskAsync($"Z0,{i:x},1"));
        }

        Assert.Equal("OK", await AskAsync("Z0,5,1"));
        Assert.StartsWith("E.Expected at most 4096", await AskAsync("Z0,ffff0000,1"), StringComparison.Ordinal);
        Assert.StartsWith("E.Expected at most 4096", await AskAsync("Z2,1000,1001"), StringComparison.Ordinal);
        Assert.StartsWith("E.Expected at most 4096", await AskAsync("Z2,1000,0"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Garbage_is_answered_and_changes_nothing()
    {
        int seed = Random.Shared.Next();
        _output.WriteLine($"seed {seed}");
        Random random = new(seed);
        string[] openings =
        [
            "", "g", "p", "m", "M", "X", "H", "T", "Z", "z", "vCont;x", "q", "Q", "qSupported",
            "qXfer:features:read:", "qThreadExtraInfo,", "qRcmd,", "v", "Z2,1000,", "m1000,", "?",
        ];
        byte[] likely = "0123456789abcdef,;:-+"u8.ToArray();
        Moment before = _target.Now;
        for (int round = 0; round < 5_000; round++)
        {
            byte[] garbage = new byte[random.Next(40)];
            random.NextBytes(garbage);
            byte[] packet =
            [
                .. Encoding.Latin1.GetBytes(openings[random.Next(openings.Length)]),
                .. garbage.Select(value => random.Next(2) == 0 ? value : likely[value % likely.Length]),
            ];
            if (packet is [(byte)'c' or (byte)'s' or (byte)'C' or (byte)'S' or (byte)'b' or (byte)'k' or (byte)'D', ..])
            {
                continue;
            }

            GdbReply reply = await _session.AnswerAsync(packet, CancellationToken.None);

            Assert.All(reply.Payloads, payload => Assert.True(payload.Length <= GdbFrameDecoder.PayloadBytesMax));
        }

        Assert.Equal(before, _target.Now);
    }
}
