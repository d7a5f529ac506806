// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.State;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Cpu.Tests.Execute;

/// <summary>One vCPU writes code that another one runs.</summary>
/// <remarks>Source: Intel SDM vol. 3A, section 10.1.3 "Handling Self- and Cross-Modifying Code". Here a store counts
/// from the next instruction that any vCPU executes.</remarks>
public sealed class CrossModifyingCodeTests
{
    private const ulong Function = 0x1_1000;
    private const ulong Writer = 0x1_2000;

    [Fact]
    public void What_one_vcpu_writes_the_other_executes_next_also_inside_a_block_it_has_run()
    {
        // add [rbx], ecx-many ones: the function's immediate is what the other vCPU changes.
        using var guest = TestGuest.Long(a =>
        {
            Label again = a.CreateLabel();
            a.Label(ref again);
            a.call(Function);
            a.add(rbx, rax);
            a.jmp(again);
        });
        guest.Memory.Write(new Gpa(Function), [0xB8, 1, 0, 0, 0, 0xC3]);
        guest.Memory.Write(new Gpa(Writer), Bytes(a =>
        {
            a.inc(__dword_ptr[Function + 1]);
            a.hlt();
        }));
        using Vcpu other = new(index: 1, guest.Memory);
        VcpuState start = guest.Vcpu.Save();

        // Five instructions a round: CALL, MOV, RET, ADD, JMP. The other one writes at every point of a round.
        ulong expected = 0;
        for (ulong round = 1; round <= 50; round++)
        {
            guest.Run(budget: 5);
            expected += round;
            other.Restore(start with { Index = 1, Rip = Writer });
            Assert.IsType<VmExit.Halted>(other.Run(budget: 10, vmTime: 0));
        }

        Assert.Equal(expected, guest[Gpr.Rbx]);
        Assert.Equal(51u, (uint)(guest.Read64(Function) >> 8));
    }

    [Fact]
    public void A_store_of_another_vcpu_counts_from_the_very_next_instruction()
    {
        for (ulong before = 0; before < 4; before++)
        {
            using var guest = TestGuest.Long(a =>
            {
                a.nop();
                a.nop();
                a.nop();
                a.nop();
                a.hlt();
            });
            using Vcpu other = new(index: 1, guest.Memory);
            guest.Memory.Write(new Gpa(Writer), Bytes(a =>
            {
                a.mov(__dword_ptr[TestGuest.CodeStart], unchecked((int)0xF4F4_F4F4));
                a.hlt();
            }));
            VcpuState start = guest.Vcpu.Save();
            guest.Run(before);
            other.Restore(start with { Index = 1, Rip = Writer });
            Assert.IsType<VmExit.Halted>(other.Run(budget: 10, vmTime: 0));

            Assert.IsType<VmExit.Halted>(guest.Run());
            Assert.Equal(TestGuest.CodeStart + before + 1, guest.Vcpu.Rip);
        }
    }

    private static byte[] Bytes(Action<Assembler> program)
    {
        Assembler assembler = new(64);
        program(assembler);
        using MemoryStream code = new();
        assembler.Assemble(new StreamCodeWriter(code), Writer);
        return code.ToArray();
    }
}
