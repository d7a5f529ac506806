// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Debug;
using KvmActors.Machine;

namespace KvmActors.Host.Tests.Debug;

/// <summary>What gdb's monitor shows.</summary>
public sealed class MonitorTests : IDisposable
{
    private readonly SteppedTarget _target = DuetRecording.Open();
    private readonly MonitorCommands _monitor;

    public MonitorTests()
    {
        _target.GoToAsync(_target.End, CancellationToken.None).GetAwaiter().GetResult();
        _monitor = new MonitorCommands(new GdbView(_target, RegisterLayout.X8664));
    }

    public void Dispose() => _target.Dispose();

    private Task<string> MonitorAsync(string line) => _monitor.RunAsync(line, CancellationToken.None);

    [Fact]
    public async Task Monitor_says_where_the_guest_stands_and_takes_it_elsewhere()
    {
        Assert.Equal(
            "Now at 600; vCPU 0 runs next.\n"
            + "gdb does not know it yet. Type: maintenance flush register-cache, maintenance flush dcache, frame.\n",
            await MonitorAsync("goto 600"));
        Assert.StartsWith(
            "now    600, 600 instructions, vCPU 0 runs next\n", await MonitorAsync("time"), StringComparison.Ordinal);
        await MonitorAsync("goto -100");
        Assert.Equal(new Moment(500), _target.Now);
        await MonitorAsync("goto +50");
        Assert.Equal(new Moment(550), _target.Now);
        await MonitorAsync("goto start");
        Assert.Equal(_target.Start, _target.Now);
    }

    [Theory]
    [InlineData("goto", "Expected start, end, a VM time")]
    [InlineData("goto never", "Expected start, end, a VM time")]
    [InlineData("goto 99999999", "Expected a moment from 0 to ")]
    [InlineData("goto 1 2", "Expected goto MOMENT, found more behind it.")]
    [InlineData("sing", "Expected one of help, time, goto, ")]
    [InlineData("s\u001bing", "Expected one of help, time, goto, ")]
    [InlineData("xp", "Expected a physical address, found nothing.")]
    [InlineData("xp 400000", "Expected memory at GPA 0x400000, found none.")]
    [InlineData("xp 0 5000", "Expected a count from 1 to 4096, found \"5000\".")]
    [InlineData("cpuid lots", "Expected a leaf in hexadecimal, found \"lots\".")]
    [InlineData("cpuid 123456789", "Expected a leaf of 32 bits")]
    [InlineData("physical maybe", "Expected on or off, found \"maybe\".")]
    [InlineData("translate", "Expected a virtual address, found nothing.")]
    public async Task Monitor_says_what_is_wrong_with_a_line(string line, string answer)
    {
        Moment before = _target.Now;

        string said = await MonitorAsync(line);

        Assert.StartsWith(answer, said, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', said);
        Assert.Equal(before, _target.Now);
    }

    [Fact]
    public async Task Monitor_shows_what_gdb_has_no_word_for()
    {
        Assert.Equal("x and print read physical addresses.\n", await MonitorAsync("physical on"));
        Assert.Equal("x and print read virtual addresses.\n", await MonitorAsync("physical off"));
        Assert.StartsWith("monitor help ", await MonitorAsync(""), StringComparison.Ordinal);
        Assert.Contains("* vCPU 0, 64-bit, CPL 0, running", await MonitorAsync("vcpus"), StringComparison.Ordinal);
        Assert.Contains("efer 0000000000000500", await MonitorAsync("regs"), StringComparison.Ordinal);
        Assert.StartsWith("00000001 00: eax=0x00a10f11", await MonitorAsync("cpuid 1"), StringComparison.Ordinal);
        Assert.Contains("0000000d 00: eax=", await MonitorAsync("cpuid"), StringComparison.Ordinal);
        Assert.StartsWith("0000000000103000  64 00 00", await MonitorAsync("xp 0x103000 16"), StringComparison.Ordinal);
        Assert.Equal("GVA 0x103000 is GPA 0x103000.\n", await MonitorAsync("translate 103000"));
        Assert.StartsWith("=> ", await MonitorAsync("code"), StringComparison.Ordinal);
        Assert.Contains(
            "mov byte [103018h],2Ah", await MonitorAsync("code 102070 1"), StringComparison.Ordinal);
        Assert.Equal("No hypercall site was rewritten so far.\n", await MonitorAsync("patches"));
        Assert.EndsWith("<- now\n", await MonitorAsync("events"), StringComparison.Ordinal);
    }
}
