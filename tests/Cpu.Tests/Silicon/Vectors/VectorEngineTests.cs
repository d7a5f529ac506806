// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.State;
using Xunit;

namespace KvmActors.Cpu.Tests.Silicon.Vectors;

/// <summary>That vectors find the faults they are made for; and what silicon told us that no manual did.</summary>
public sealed class VectorEngineTests
{
    private const int PageFault = 14;

    /// <summary>ARPL reads as a load does, and stores only what has changed.</summary>
    [Theory]
    [InlineData(VectorLayout.Absent, 3, PageFault, 0x4)]
    [InlineData(VectorLayout.ReadOnly, 3, PageFault, 0x7)]
    [InlineData(VectorLayout.ReadOnly, 0, null, 0)]
    public void ARPL_needs_a_page_that_can_be_written_only_if_it_writes(
        int page, ulong privilege, int? fault, ulong errorCode)
    {
        (MachineImage before, MachineImage after) = Execute(
            [0x63, 0x03], Code.Arpl_r32m16_r32, bits: 32, // arpl [ebx], ax
            (Gpr.Rbx, VectorLayout.BlockBase + (ulong)page + 0x10), (Gpr.Rax, privilege));

        Assert.Equal((byte?)fault, after.Fault);
        Assert.Equal(errorCode, after.Words[MachineImage.ErrorCode]);
        Assert.Equal(fault is null ? before.Words[MachineImage.Rip] + 2 : before.Words[MachineImage.Rip],
            after.Words[MachineImage.Rip]);
    }

    /// <summary>LAR shows the limit's upper bits too.</summary>
    [Theory]
    [InlineData(0x2B, 0xCFF300)]
    [InlineData(0x33, 0xAFFB00)]
    public void LAR_gives_the_second_doubleword_of_a_descriptor_without_its_base(ulong selector, ulong rights)
    {
        (_, MachineImage after) = Execute(
            [0x0F, 0x02, 0xC1], Code.Lar_r32_r32m16, bits: 64, (Gpr.Rcx, selector)); // lar eax, ecx

        Assert.Equal(rights, after.Words[MachineImage.Gprs + (int)Gpr.Rax]);
    }

    [Theory]
    [InlineData(64)]
    [InlineData(32)]
    [InlineData(16)]
    public void A_division_by_zero_leaves_everything_and_the_next_vector_runs(int bits)
    {
        using VectorEngine engine = new(bits);
        VectorShape shape = Shape([0xF6, 0xF3], Code.Div_rm8, bits); // div bl
        MachineImage before = Before(shape, (Gpr.Rax, 7), (Gpr.Rbx, 0));
        MachineImage after = new();
        engine.Prepare(shape);

        string? failure = engine.Execute(before, after);

        Assert.Null(failure);
        Assert.Equal((byte?)0, after.Fault);
        Assert.Equal(0u, MachineImage.Digest(before, after));
        Assert.Null(engine.Execute(Before(shape, (Gpr.Rax, 7), (Gpr.Rbx, 2)), after));
        Assert.Null(after.Fault);
        Assert.Equal(0x103ul, after.Words[MachineImage.Gprs]);
        Assert.Equal(shape.Next, after.Words[MachineImage.Rip]);
    }

    private static (MachineImage Before, MachineImage After) Execute(
        byte[] bytes, Code code, int bits, params (Gpr Register, ulong Value)[] registers)
    {
        using VectorEngine engine = new(bits);
        VectorShape shape = Shape(bytes, code, bits);
        MachineImage before = Before(shape, registers);
        MachineImage after = new();
        engine.Prepare(shape);
        Assert.Null(engine.Execute(before, after));
        return (before, after);
    }

    private static MachineImage Before(VectorShape shape, params (Gpr Register, ulong Value)[] registers)
    {
        MachineImage image = new() { Flags = 0x202 };
        image.Words[MachineImage.Rip] = shape.Address;
        image.Words[MachineImage.Gprs + (int)Gpr.Rsp] = shape.BlockOrigin + SiliconLayout.Stack;
        foreach ((Gpr register, ulong value) in registers)
        {
            image.Words[MachineImage.Gprs + (int)register] = value;
        }

        return image;
    }

    private static VectorShape Shape(byte[] bytes, Code code, int bits) => new()
    {
        Code = code,
        Bits = bits,
        Bytes = bytes,
        CodeOffset = SiliconLayout.Code,
        Count = 1,
        FullCount = 1,
        HasFx = false,
        Environment = VectorContent.FpuEnvironments,
        StackContent = VectorContent.Extended,
        XmmContent = VectorContent.PackedIntegers,
        DataContent = VectorContent.Integers,
        DataPhase = 0,
        Overrides = [],
    };
}
