// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using KvmActors.Cpu;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Cpu.State;
using KvmActors.Machine.Loaders;
using KvmActors.Machine.Time;
using Xunit;

namespace KvmActors.Machine.Tests.Loaders;

public sealed class LinuxBootTests
{
    private const ulong Memory = 16UL << 20;
    private static readonly byte[] s_initrd = [.. Enumerable.Range(0, 5000).Select(at => (byte)(at * 7))];

    [Fact]
    public void A_kernel_starts_in_long_mode_with_its_parameters_in_RSI()
    {
        using VirtualMachine machine = Create(ImageBuilder.Linux([0xF4]));
        VcpuState vcpu = machine.Save().Vcpus[0];

        Assert.Equal(0x10_000Cu, vcpu.Rip);
        Assert.Equal(0x500u, vcpu.Efer);
        Assert.Equal(0x20u, vcpu.Cr4);
        Assert.Equal(0x8000_0001u, vcpu.Cr0 & 0x8000_0001);
        Assert.Equal((0x10, 0xA09Bu), (vcpu.Segments[1].Selector, vcpu.Segments[1].Attributes));
        Assert.Equal(0u, vcpu.RFlags & (1u << 9));
        Assert.Equal(0xFF, Read(machine, vcpu.Gprs[6] + 0x210, 1)[0]);
    }

    [Fact]
    public void The_parameters_tell_memory_map_command_line_RAM_disk_and_ACPI()
    {
        using VirtualMachine machine = Create(ImageBuilder.Linux([0xF4]));
        ulong parameters = machine.Save().Vcpus[0].Gprs[6];

        Assert.Equal(3, Read(machine, parameters + 0x1E8, 1)[0]);
        Assert.Equal((0ul, 0x9_FC00ul, 1u), MapEntry(machine, parameters + 0x2D0));
        Assert.Equal((0x9_FC00ul, 0x6_0400ul, 2u), MapEntry(machine, parameters + 0x2D0 + 20));
        Assert.Equal((0x10_0000ul, Memory - 0x10_0000, 1u), MapEntry(machine, parameters + 0x2D0 + 40));
        ulong text = UInt32(machine, parameters + 0x228);
        Assert.Equal("console=ttyS0 quiet\0"u8.ToArray(), Read(machine, text, 20));
        uint disk = UInt32(machine, parameters + 0x218);
        Assert.Equal(0u, disk % 4096);
        Assert.Equal((uint)s_initrd.Length, UInt32(machine, parameters + 0x21C));
        Assert.Equal(s_initrd, Read(machine, disk, s_initrd.Length));
        Assert.Equal("RSD PTR "u8.ToArray(), Read(machine, UInt32(machine, parameters + 0x70), 8));
    }

    [Fact]
    public void The_first_4_GiB_are_mapped_to_themselves_and_the_selectors_can_be_loaded_again()
    {
        byte[] code =
        [
            0xB8, 0x18, 0, 0, 0,                        // mov eax, 18h
            0x8E, 0xD8, 0x8E, 0xD0,                     // mov ds, ax; mov ss, ax
            0x48, 0x8B, 0x1C, 0x25, 0, 0, 0xE, 0,       // mov rbx, [0E0000h]
            0xB9, 0xF0, 0xFF, 0xFF, 0xFF,               // mov ecx, 0FFFFFFF0h
            0x8B, 0x11,                                 // mov edx, [rcx]: there is nothing, which reads as ones
            0xF4,
        ];
        using VirtualMachine machine = Create(ImageBuilder.Linux(code));
        SliceResult slice = machine.RunSlice(new SliceLimits(1000, () => false));

        Assert.Equal(SliceStop.Ended, slice.Stop);
        VcpuState vcpu = machine.Save().Vcpus[0];
        Assert.IsType<MachineEnd.PoweredOff>(machine.End);
        Assert.Equal(BinaryPrimitives.ReadUInt64LittleEndian("RSD PTR "u8), vcpu.Gprs[3]);
        Assert.Equal(uint.MaxValue, vcpu.Gprs[2]);
    }

    [Fact]
    public void A_bzImage_goes_where_it_prefers_and_keeps_its_setup_header()
    {
        byte[] kernel = new byte[0x300];
        kernel[0x200] = 0xF4;
        using VirtualMachine machine = Create(ImageBuilder.BzImage(kernel));
        VcpuState vcpu = machine.Save().Vcpus[0];

        Assert.Equal(0x20_0200u, vcpu.Rip);
        Assert.Equal(kernel, Read(machine, 0x20_0000, kernel.Length));
        Assert.Equal("HdrS"u8.ToArray(), Read(machine, vcpu.Gprs[6] + 0x202, 4));
        Assert.Equal(0x20_0000u, UInt32(machine, vcpu.Gprs[6] + 0x258));
        Assert.Equal(0xFF, Read(machine, vcpu.Gprs[6] + 0x210, 1)[0]);
    }

    [Fact]
    public void Memory_above_3_GiB_is_in_the_map_from_4_GiB_on_and_the_RAM_disk_below()
    {
        const ulong GiB = 1ul << 30;
        using var machine = VirtualMachine.Create(
            Spec with { MemoryBytes = 5 * GiB },
            [CpuidTable.Empty],
            HostVendor.Intel,
            BootImageLoader.Load(ImageBuilder.Linux([0xF4]), "vmlinux", s_initrd));
        ulong parameters = machine.Save().Vcpus[0].Gprs[6];

        Assert.Equal(4, Read(machine, parameters + 0x1E8, 1)[0]);
        Assert.Equal((0x10_0000ul, (3 * GiB) - 0x10_0000, 1u), MapEntry(machine, parameters + 0x2D0 + 40));
        Assert.Equal((4 * GiB, 2 * GiB, 1u), MapEntry(machine, parameters + 0x2D0 + 60));
        Assert.InRange(UInt32(machine, parameters + 0x218), 2 * GiB, 3 * GiB);
        MachineState state = machine.Save();
        Assert.Throws<ArgumentException>(
            () => VirtualMachine.Restore(machine.Spec, state, [(3 << 18, new byte[4096])]));
        using var again = VirtualMachine.Restore(machine.Spec, state, [((6 << 18) - 1, new byte[4096])]);
        Assert.Equal(state.VmTime, again.VmTime);
    }

    [Fact]
    public void A_RAM_disk_that_does_not_fit_is_refused()
    {
        BootImage image = BootImageLoader.Load(ImageBuilder.Linux([0xF4]), "", new byte[Memory]);
        BootImageException refused = Assert.Throws<BootImageException>(() => VirtualMachine.Create(
            Spec, [CpuidTable.Empty], HostVendor.Intel, image));
        Assert.Contains("16 MiB", refused.Message, StringComparison.Ordinal);
    }

    private static MachineSpec Spec => new(1, Memory, HypercallPatchPolicy.Auto, MachineSpec.TurnTicksDefault);

    private static VirtualMachine Create(byte[] file) => VirtualMachine.Create(
        Spec,
        [CpuidTable.Empty],
        HostVendor.Intel,
        BootImageLoader.Load(file, "vmlinux console=ttyS0 quiet", s_initrd));

    private static byte[] Read(VirtualMachine machine, ulong address, int lengthBytes)
    {
        byte[] bytes = new byte[lengthBytes];
        machine.Memory.Read(new Gpa(address), bytes);
        return bytes;
    }

    private static uint UInt32(VirtualMachine machine, ulong address) =>
        BinaryPrimitives.ReadUInt32LittleEndian(Read(machine, address, 4));

    private static (ulong Start, ulong Bytes, uint Type) MapEntry(VirtualMachine machine, ulong at) => (
        BinaryPrimitives.ReadUInt64LittleEndian(Read(machine, at, 8)),
        BinaryPrimitives.ReadUInt64LittleEndian(Read(machine, at + 8, 8)),
        UInt32(machine, at + 16));
}
