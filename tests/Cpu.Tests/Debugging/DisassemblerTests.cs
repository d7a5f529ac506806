// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Debugging;
using KvmActors.Cpu.State;
using Xunit;

namespace KvmActors.Cpu.Tests.Debugging;

public sealed class DisassemblerTests
{
    private readonly Disassembler _disassembler = new();

    [Theory]
    [InlineData("4889d8cc", CpuMode.Long64, 3, "mov", "mov rax, rbx")]
    [InlineData("0f01c1", CpuMode.Long64, 3, "vmcall", "vmcall")]
    [InlineData("ebfe", CpuMode.Protected32, 2, "jmp", "jmp short 0x1000")]
    [InlineData("b83412", CpuMode.Real16, 3, "mov", "mov ax, 0x1234")]
    [InlineData("f3aa", CpuMode.Long64, 2, "stosb", "rep stosb [rdi]")]
    [InlineData("488b05f0ffffff", CpuMode.Long64, 7, "mov", "mov rax, [0xff7]")]
    [InlineData("06", CpuMode.Long64, 1, "(bad)", "(bad)")]
    [InlineData("48", CpuMode.Long64, 1, "(bad)", "(bad)")]
    [InlineData("", CpuMode.Long64, 0, "(bad)", "(bad)")]
    public void Code_is_shown_as_the_mode_decodes_it(
        string code, CpuMode mode, int sizeBytes, string mnemonic, string text) => Assert.Equal(
            new DisassembledInstruction(sizeBytes, mnemonic, text),
            _disassembler.Read(Convert.FromHexString(code), mode, rip: 0x1000));

    [Fact]
    public void Deliveries_have_the_manuals_names()
    {
        Assert.Equal("#PF with error code 0x2", new GuestDelivery(14, IsInterrupt: false, 2).ToString());
        Assert.Equal("interrupt 0x20", new GuestDelivery(0x20, IsInterrupt: true, null).ToString());
        Assert.Equal("NMI", new GuestDelivery(2, IsInterrupt: true, null).Name);
        Assert.Equal("interrupt 0x0e", new GuestDelivery(14, IsInterrupt: true, null).Name);
        Assert.Equal("exception 0x0f", new GuestDelivery(15, IsInterrupt: false, null).Name);
    }
}
