// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using Iced.Intel;
using KvmActors.Cpu.State;
using KvmActors.Cpu.Tests.Execute;
using KvmActors.Cpu.Tests.Silicon;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Cpu.Tests.Fpu;

/// <summary>#NM, #UD and #MF of x87 and of what saves its state; layouts that no host process can reach.</summary>
/// <remarks>Source: Intel SDM vol. 3A, section 2.5 and tables 13-1, 15-1; vol. 1, sections 8.1.10 and 8.7.</remarks>
public sealed class FpuFaultTests
{
    private const int DeviceNotAvailable = 7;
    private const int MathFault = 16;
    private const ulong Emulation = 1 << 2;
    private const ulong TaskSwitched = 1 << 3;
    private const ulong MonitorCoprocessor = 1 << 1;
    private const ulong NumericError = 1 << 5;

    public static TheoryData<string, ulong, int?> Switches => new()
    {
        { "fld1", Emulation, DeviceNotAvailable },
        { "fld1", TaskSwitched, DeviceNotAvailable },
        { "fld1", MonitorCoprocessor, null },
        { "fninit", Emulation, DeviceNotAvailable },
        { "wait", Emulation, null },
        { "wait", TaskSwitched, null },
        { "wait", TaskSwitched | MonitorCoprocessor, DeviceNotAvailable },
        { "fxsave", Emulation, DeviceNotAvailable },
        { "fxsave", TaskSwitched, DeviceNotAvailable },
    };

    [Theory]
    [MemberData(nameof(Switches))]
    public void The_control_register_decides_whether_x87_is_there(string what, ulong bits, int? vector)
    {
        using var guest = TestGuest.Long(a => Emit(a, what));
        guest[Gpr.Rbx] = TestGuest.DataStart;
        guest.Change(state => state with { Cr0 = state.Cr0 | bits });

        AssertEnds(guest, vector);
    }

    [Theory]
    [InlineData("fld1", MathFault)]
    [InlineData("wait", MathFault)]
    [InlineData("fldcw", MathFault)]
    [InlineData("fldenv", MathFault)]
    [InlineData("fnstsw", null)]
    [InlineData("fnclex", null)]
    [InlineData("fninit", null)]
    [InlineData("fnsave", null)]
    [InlineData("fxsave", null)]
    public void An_exception_that_waits_is_reported_by_the_next_waiting_instruction(string what, int? vector)
    {
        using var guest = TestGuest.Long(a =>
        {
            DivideByZeroUnmasked(a);
            Emit(a, what);
        });
        guest[Gpr.Rbx] = TestGuest.DataStart;
        guest.Change(state => state with { Cr0 = state.Cr0 | NumericError });

        AssertEnds(guest, vector);
    }

    [Fact]
    public void Without_CR0_NE_an_exception_is_ignored()
    {
        using var guest = TestGuest.Long(a =>
        {
            DivideByZeroUnmasked(a);
            a.fld1();
            a.hlt();
        });
        guest[Gpr.Rbx] = TestGuest.DataStart;

        AssertEnds(guest, vector: null);
    }

    [Fact]
    public void An_unmasked_exception_leaves_operands_and_names_the_instruction()
    {
        using var guest = TestGuest.Long(a =>
        {
            a.fninit();
            a.mov(__dword_ptr[rbx], 0x37B);
            a.fldcw(__word_ptr[rbx]);
            a.fld1();
            a.fdiv(__dword_ptr[rbx + 8]);
            a.hlt();
        });
        guest[Gpr.Rbx] = TestGuest.DataStart;

        Assert.IsType<VmExit.Halted>(guest.Run());
        byte[] image = [.. guest.Vcpu.Save().FxSave];
        ushort status = BinaryPrimitives.ReadUInt16LittleEndian(image.AsSpan(FxStateImage.Status));
        Assert.Equal(0x3884 | 0x8000, status | 0x8000);
        Assert.Equal(0xB884, status);
        Assert.Equal(
            TestGuest.DataStart + 8, BinaryPrimitives.ReadUInt64LittleEndian(image.AsSpan(FxStateImage.DataPointer)));
        Assert.Equal(0x073, BinaryPrimitives.ReadUInt16LittleEndian(image.AsSpan(FxStateImage.Opcode)));
        Assert.Equal(0x3FFF, BinaryPrimitives.ReadUInt16LittleEndian(image.AsSpan(FxStateImage.Stack + 8)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Real_mode_stores_offsets_and_the_opcode_in_one_field(bool is32Bit)
    {
        using var guest = TestGuest.Real(a =>
        {
            a.mov(bx, 0x4000);
            if (is32Bit)
            {
                a.db(0x66);
            }

            a.db(0xD9, 0x37); // fnstenv [bx]
            a.hlt();
        });
        byte[] image = Pointers(instruction: 0xA_1234, data: 0xB_5678, opcode: 0x5C7);
        guest.Change(state => state with { FxSave = [.. image] });

        Assert.IsType<VmExit.Halted>(guest.Run());
        byte[] stored = new byte[28];
        guest.Memory.Read(new Gpa(0x4000), stored);
        string expected = is32Bit
            ? "7F03FFFF0000FFFFFFFFFFFF34120000C7A5000078560000" + "00B00000"
            : "7F030000FFFF3412C7A5785600B0" + new string('0', 28);
        Assert.Equal(expected, Convert.ToHexString(stored));
    }

    private static byte[] Pointers(uint instruction, uint data, ushort opcode)
    {
        byte[] image = FxStateImage.Initial();
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(FxStateImage.InstructionPointer), instruction);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(FxStateImage.DataPointer), data);
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(FxStateImage.Opcode), opcode);
        return image;
    }

    private static void DivideByZeroUnmasked(Assembler a)
    {
        a.fninit();
        a.mov(__dword_ptr[rbx], 0x37B);
        a.fldcw(__word_ptr[rbx]);
        a.fld1();
        a.fldz();
        a.fdivp(st1, st0);
    }

    private static void Emit(Assembler a, string what)
    {
        byte[] code = what switch
        {
            "fld1" => [0xD9, 0xE8],
            "fninit" => [0xDB, 0xE3],
            "fnclex" => [0xDB, 0xE2],
            "wait" => [0x9B],
            "fldcw" => [0xD9, 0x2B],
            "fldenv" => [0xD9, 0x23],
            "fnstsw" => [0xDF, 0xE0],
            "fnsave" => [0xDD, 0x33],
            _ => [0x0F, 0xAE, 0x03], // fxsave [rbx]
        };
        a.db(code);
        a.hlt();
    }

    private static void AssertEnds(TestGuest guest, int? vector)
    {
        VmExit exit = guest.Run();
        Assert.True(exit is VmExit.Halted, exit.ToString());
        bool isInHandler = guest.Vcpu.Rip < TestGuest.CodeStart;
        Assert.Equal(vector is not null, isInHandler);
        if (vector is { } number)
        {
            Assert.Equal(GuestTables.HandlerOf(number) + 1, guest.Vcpu.Rip);
        }
    }
}
