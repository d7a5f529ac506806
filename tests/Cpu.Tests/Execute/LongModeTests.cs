// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.State;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Cpu.Tests.Execute;

public sealed class LongModeTests
{
    [Fact]
    public void A_loop_sums_and_halts()
    {
        using var guest = TestGuest.Long(a =>
        {
            Label again = a.CreateLabel();
            a.xor(eax, eax);
            a.mov(ecx, 1000);
            a.Label(ref again);
            a.add(rax, rcx);
            a.dec(ecx);
            a.jnz(again);
            a.hlt();
        });

        VmExit exit = guest.Run();

        Assert.IsType<VmExit.Halted>(exit);
        Assert.Equal(500_500ul, guest[Gpr.Rax]);
        Assert.Equal(3003ul, guest.Vcpu.InstructionsRetired);
        Assert.Equal(VcpuActivity.Halted, guest.Vcpu.Activity);
    }
}
