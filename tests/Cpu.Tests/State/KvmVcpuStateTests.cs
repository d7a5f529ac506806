// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Apic;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;
using KvmActors.Cpu.State.KvmApi;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Cpu.Tests.State;

/// <summary>A vCPU's state in KVM's structures: what is written is read, and the bytes are where KVM has them.
/// </summary>
public sealed class KvmVcpuStateTests(ITestOutputHelper output)
{
    private const ulong VmTime = 1_000_000;
    private const uint AttributeBits = 0x1_F0FF;

    private static VcpuState Reset { get; } = ResetState();

    public static TheoryData<KvmStructure> Structures => [.. Enum.GetValues<KvmStructure>()];

    [Fact]
    public void What_is_written_is_read()
    {
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        Random random = new(seed);
        for (int round = 0; round < 200; round++)
        {
            VcpuState state = RandomState(random);

            VcpuState read = KvmVcpuState.Read(WriteAll(state), Reset with { Cpuid = state.Cpuid }, VmTime);

            foreach (KvmStructure structure in Enum.GetValues<KvmStructure>())
            {
                Assert.Equal(
                    Convert.ToHexString(KvmVcpuState.Write(structure, state, VmTime)),
                    Convert.ToHexString(KvmVcpuState.Write(structure, read, VmTime)));
            }

            Assert.Equal(state.Events, read.Events);
            Assert.Equal(state.Activity, read.Activity);
            Assert.Equal(state.Apic, read.Apic);
            Assert.Equal(state.Gprs.AsEnumerable(), read.Gprs);
            Assert.Equal(state.Msrs.AsEnumerable(), read.Msrs);
            Assert.Equal(state.Segments.AsEnumerable(), read.Segments);
        }
    }

    [Fact]
    public void What_kvm_has_no_place_for_is_taken_from_the_other_state()
    {
        VcpuState rest = Reset with { InstructionsRetired = 77, RandomsDrawn = 5 };

        VcpuState read = KvmVcpuState.Read(WriteAll(Reset), rest, VmTime);

        Assert.Equal((77ul, 5ul, 0), (read.InstructionsRetired, read.RandomsDrawn, read.Index));
    }

    /// <summary>Hexadecimal, in the order of arch/x86/include/uapi/asm/kvm.h.</summary>
    [Theory]
    [InlineData(KvmStructure.Registers, 0, "1011121314151617")] // rax
    [InlineData(KvmStructure.Registers, 8, "4041424344454647")] // rbx, third of the encoding
    [InlineData(KvmStructure.Registers, 16, "2021222324252627")] // rcx
    [InlineData(KvmStructure.Registers, 128, "F0FF000000000000" + "0200000000000000")] // rip, rflags
    [InlineData(KvmStructure.SystemRegisters, 0, "0000FFFF00000000" + "FFFF0000" + "00F0" + "0B010000010000000000")]
    [InlineData(KvmStructure.SystemRegisters, 24, "0000000000000000" + "FFFF0000" + "0000" + "03010000010000000000")]
    [InlineData(KvmStructure.SystemRegisters, 144, "0000000000000000" + "FFFF0000" + "0000" + "0B010000000000000000")]
    [InlineData(KvmStructure.SystemRegisters, 168, "0000000000000000" + "FFFF0000" + "0000" + "02010000000000000000")]
    [InlineData(KvmStructure.SystemRegisters, 192, "0000000000000000" + "FFFF000000000000")] // gdt
    [InlineData(KvmStructure.SystemRegisters, 224, "1000006000000000")] // cr0
    [InlineData(KvmStructure.SystemRegisters, 272, "0009E0FE00000000")] // apic_base
    [InlineData(KvmStructure.Xsave, 0, "7F03")] // fcw
    [InlineData(KvmStructure.Xsave, 24, "801F0000")] // mxcsr
    [InlineData(KvmStructure.Xsave, 512, "0300000000000000" + "0000000000000000")] // xstate_bv, xcomp_bv
    [InlineData(KvmStructure.ExtendedControl, 0, "01000000" + "000000000000000000000000" + "0100000000000000")]
    [InlineData(KvmStructure.DebugRegisters, 32, "F00FFFFF00000000" + "0004000000000000")] // dr6, dr7
    [InlineData(KvmStructure.LocalApic, 0x30, "14000500")] // version
    [InlineData(KvmStructure.LocalApic, 0x350, "00070000")] // lvt0: ExtINT
    [InlineData(KvmStructure.MpState, 0, "00000000")] // runnable
    [InlineData(KvmStructure.Events, 16, "00000000" + "0D000000")] // sipi_vector, flags
    public void Bytes_are_where_kvm_has_them(KvmStructure structure, int offset, string hex)
    {
        VcpuState state = Reset with
        {
            Gprs = [.. Enumerable.Range(1, 16).Select(
                number => 0x0706_0504_0302_0100ul + (0x1010_1010_1010_1010ul * (ulong)number))],
        };

        byte[] bytes = KvmVcpuState.Write(structure, state, VmTime);

        Assert.Equal(hex, Convert.ToHexString(bytes.AsSpan(offset, hex.Length / 2)));
    }

    [Theory]
    [MemberData(nameof(Structures))]
    public void A_structure_of_another_size_is_refused(KvmStructure structure)
    {
        Dictionary<KvmStructure, byte[]> all = WriteAll(Reset);
        all[structure] = [.. all[structure], 0];

        ArgumentException thrown = Assert.Throws<ArgumentException>(() => KvmVcpuState.Read(all, Reset, VmTime));

        Assert.Contains($"{structure}", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_structure_is_once_in_each_order_and_has_its_reason()
    {
        Assert.Equal(Enum.GetValues<KvmStructure>(), KvmStateOrder.Set.Select(step => step.Structure).Order());
        Assert.Equal(Enum.GetValues<KvmStructure>(), KvmStateOrder.Get.Order());
        Assert.All(KvmStateOrder.Set, step => Assert.NotEmpty(step.Reason));
        Assert.Equal(KvmStructure.Events, KvmStateOrder.Set[^1].Structure);
        Assert.Equal(KvmStructure.MpState, KvmStateOrder.Get[0]);
    }

    [Fact]
    public void The_timers_count_runs_with_vm_time_and_its_deadline_comes_back()
    {
        byte[] page = [.. Reset.Apic.Registers];
        BitConverter.TryWriteBytes(page.AsSpan(0x380), 1_000u);
        BitConverter.TryWriteBytes(page.AsSpan(0x3E0), 0u);
        VcpuState state = Reset with { Apic = new LocalApicState([.. page], VmTime + 1_200, TscDeadline: 0) };

        byte[] bytes = KvmVcpuState.Write(KvmStructure.LocalApic, state, VmTime);
        VcpuState read = KvmVcpuState.Read(WriteAll(state), Reset, VmTime + 5);

        Assert.Equal(600u, BitConverter.ToUInt32(bytes, 0x390));
        Assert.Equal(VmTime + 5 + 1_200, read.Apic.TimerDeadline);
    }

    private static Dictionary<KvmStructure, byte[]> WriteAll(VcpuState state) => KvmStateOrder.Set.ToDictionary(
        step => step.Structure, step => KvmVcpuState.Write(step.Structure, state, VmTime));

    private static VcpuState ResetState()
    {
        using GuestMemory memory = new(GuestMemory.PageBytes);
        using Vcpu vcpu = new(index: 0, memory);
        return vcpu.Save();
    }

    private static VcpuState RandomState(Random random)
    {
        ulong Any() => (ulong)random.NextInt64(long.MinValue, long.MaxValue);
        ImmutableArray<ulong> Many(int count) => [.. Enumerable.Range(0, count).Select(_ => Any())];
        DescriptorTableState Table() => new(Any(), (ushort)Any());
        byte[] fxSave = new byte[512];
        random.NextBytes(fxSave);
        var activity = (VcpuActivity)random.Next(4);
        bool isWaiting = activity == VcpuActivity.WaitForSipi;
        return Reset with
        {
            Gprs = Many(16),
            Rip = Any(),
            RFlags = Any(),
            Segments = [.. Enumerable.Range(0, 8).Select(_ => new SegmentState(
                (ushort)Any(), Any(), (uint)Any(), (uint)Any() & AttributeBits))],
            Gdtr = Table(),
            Idtr = Table(),
            Cr0 = Any(),
            Cr2 = Any(),
            Cr3 = Any(),
            Cr4 = Any(),
            Cr8 = Any(),
            Efer = Any(),
            Xcr0 = Any(),
            Msrs = [.. Reset.Msrs.Select(msr => msr with { Value = Any() })],
            DebugRegisters = Many(6),
            FxSave = [.. fxSave],
            Activity = activity,
            InterruptShadow = (InterruptShadow)random.Next(3),
            Apic = RandomApic(random),
            Events = new VcpuEvents(
                random.Next(2) == 0,
                random.Next(2) == 0,
                random.Next(2) == 0,
                isWaiting ? (byte)Any() : null,
                IsKicked: false),
        };
    }

    private static LocalApicState RandomApic(Random random)
    {
        byte[] page = new byte[LocalApicState.RegisterBytes];
        random.NextBytes(page);
        uint initial = (uint)random.Next(1, int.MaxValue);
        uint configuration = (uint)random.Next(4) | ((uint)random.Next(2) << 3);
        BitConverter.TryWriteBytes(page.AsSpan(0x380), initial);
        BitConverter.TryWriteBytes(page.AsSpan(0x390), 0u);
        BitConverter.TryWriteBytes(page.AsSpan(0x3E0), configuration);
        int shift = (int)((((configuration & 3) | (configuration >> 1 & 4)) + 1) & 7);
        ulong deadline = random.Next(2) == 0 ? 0 : VmTime + ((ulong)random.NextInt64(1, initial + 1L) << shift);
        return new LocalApicState([.. page], deadline, (ulong)random.NextInt64());
    }
}
