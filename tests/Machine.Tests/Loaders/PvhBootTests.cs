// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using KvmActors.Cpu;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Cpu.State;
using KvmActors.Machine.Loaders;
using Xunit;

namespace KvmActors.Machine.Tests.Loaders;

public sealed class PvhBootTests
{
    private const ulong Memory = 16UL << 20;
    private static readonly byte[] s_initrd = [9, 8, 7];

    [Fact]
    public void A_kernel_starts_at_the_entry_of_its_note_in_32_bit_protected_mode()
    {
        using VirtualMachine machine = Create(0x10_000D);
        VcpuState vcpu = machine.Save().Vcpus[0];

        Assert.Equal(0x10_000Du, vcpu.Rip);
        Assert.Equal(1u, vcpu.Cr0 & 0x8000_0001);
        Assert.Equal(0u, vcpu.Cr4);
        Assert.Equal(0xC09Bu, vcpu.Segments[1].Attributes);
        Assert.Equal(0x67u, vcpu.Segments[7].Limit);
        Assert.Equal(0x336E_C578u, UInt32(machine, vcpu.Gprs[3]));
    }

    [Fact]
    public void The_start_information_tells_module_command_line_ACPI_and_memory_map()
    {
        using VirtualMachine machine = Create(0x10_000C);
        ulong information = machine.Save().Vcpus[0].Gprs[3];

        Assert.Equal(1u, UInt32(machine, information + 4));
        Assert.Equal(1u, UInt32(machine, information + 12));
        ulong module = UInt64(machine, information + 16);
        Assert.Equal(s_initrd, Read(machine, UInt64(machine, module), (int)UInt64(machine, module + 8)));
        Assert.Equal("quiet\0"u8.ToArray(), Read(machine, UInt64(machine, information + 24), 6));
        Assert.Equal("RSD PTR "u8.ToArray(), Read(machine, UInt64(machine, information + 32), 8));
        ulong map = UInt64(machine, information + 40);
        Assert.Equal(3u, UInt32(machine, information + 48));
        Assert.Equal((0x10_0000ul, Memory - 0x10_0000, 1u), (
            UInt64(machine, map + 48), UInt64(machine, map + 56), UInt32(machine, map + 64)));
    }

    private static VirtualMachine Create(uint entry) => VirtualMachine.Create(
        new MachineSpec(1, Memory, HypercallPatchPolicy.Auto, MachineSpec.TurnTicksDefault),
        [CpuidTable.Empty],
        HostVendor.Intel,
        BootImageLoader.Load(ImageBuilder.Pvh([0xF4, 0xF4], entry), "kernel quiet", s_initrd));

    private static byte[] Read(VirtualMachine machine, ulong address, int lengthBytes)
    {
        byte[] bytes = new byte[lengthBytes];
        machine.Memory.Read(new Gpa(address), bytes);
        return bytes;
    }

    private static uint UInt32(VirtualMachine machine, ulong address) =>
        BinaryPrimitives.ReadUInt32LittleEndian(Read(machine, address, 4));

    private static ulong UInt64(VirtualMachine machine, ulong address) =>
        BinaryPrimitives.ReadUInt64LittleEndian(Read(machine, address, 8));
}
