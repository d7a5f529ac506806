// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Hypercalls;
using Xunit;

namespace KvmActors.Cpu.Tests.Hypercalls;

/// <summary>Which bytes are a hypercall, and where its opcode is.</summary>
public sealed class HypercallInstructionTests
{
    [Theory]
    [InlineData("0F01C1", true, HostVendor.Intel, 0)]
    [InlineData("0F01D9", true, HostVendor.Amd, 0)]
    [InlineData("0F01D990", false, HostVendor.Amd, 0)]
    [InlineData("480F01D9", true, HostVendor.Amd, 1)]
    [InlineData("2E400F01C1", true, HostVendor.Intel, 2)]
    [InlineData("65670F01D9", false, HostVendor.Amd, 2)]
    [InlineData("4FFF0F01C1", true, null, 0)]
    [InlineData("480F01D9", false, null, 0)]
    [InlineData("660F01D9", true, null, 0)]
    [InlineData("F20F01C1", true, null, 0)]
    [InlineData("F30F01D9", true, null, 0)]
    [InlineData("F00F01C1", true, null, 0)]
    [InlineData("2EF00F01C1", true, null, 0)]
    [InlineData("0F0B", true, null, 0)]
    [InlineData("0F01C2", true, null, 0)]
    [InlineData("2626262626262626262626260F01C1", true, HostVendor.Intel, 12)]
    [InlineData("262626262626262626262626260F01C1", true, null, 0)]
    public void Bytes_are_a_hypercall_or_not(string code, bool is64Bit, HostVendor? nativeTo, int opcodeOffset)
    {
        byte[] bytes = Convert.FromHexString(code);

        Assert.True(HypercallInstruction.TryDecide(bytes, is64Bit, out HypercallInstruction? found));

        Assert.Equal(nativeTo, found?.NativeTo);
        Assert.Equal(opcodeOffset, found?.OpcodeOffset ?? 0);
        Assert.Equal(nativeTo is null ? 0 : opcodeOffset + 3, found?.Length ?? 0);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0F")]
    [InlineData("0F01")]
    [InlineData("48")]
    [InlineData("260F01")]
    public void An_instruction_cut_off_by_the_end_of_a_page_asks_for_more_bytes(string code)
    {
        Assert.False(HypercallInstruction.TryDecide(Convert.FromHexString(code), is64Bit: true, out _));
    }

    [Theory]
    [InlineData("CC")]
    [InlineData("0F0B")]
    [InlineData("F3")]
    [InlineData("4890")]
    public void Other_instructions_are_decided_without_looking_at_the_next_page(string code)
    {
        byte[] bytes = Convert.FromHexString(code);

        Assert.True(HypercallInstruction.TryDecide(bytes, is64Bit: true, out HypercallInstruction? found));

        Assert.Null(found);
    }
}
