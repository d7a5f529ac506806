// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Machine.Loaders;

/// <summary>Puts an image into guest memory and says in which state the first vCPU starts.</summary>
internal static class BootPlacement
{
    private const uint MultibootLoaderMagic = 0x2BADB002;
    private const ulong Cr0Protected = 0x11;
    private const ulong Cr0Real = 0x10;
    private const ulong RFlagsReserved = 0x2;
    private const ulong LowStackTop = 0x7C00;

    private static ImmutableArray<ulong> InformationPlaces => [0x9000, 0x1000, 0x6_0000, 0x8_0000];

    /// <param name="memory">Zeroed memory.</param>
    /// <param name="reset">The vCPU's state after reset, which holds for all that a boot protocol leaves open.</param>
    /// <param name="vcpuCount">How many processors the kernel is told of.</param>
    /// <exception cref="BootImageException">The image does not fit the memory.</exception>
    public static VcpuState Place(BootImage image, GuestMemory memory, VcpuState reset, int vcpuCount)
    {
        foreach (BootSegment segment in image.Segments)
        {
            if (!memory.IsRam(segment.Start, segment.MemoryBytes))
            {
                throw BootImageException.Of(
                    $"an image that fits {memory.SizeBytes >> 20} MiB of guest memory",
                    $"a segment from GPA 0x{segment.Start.Value:x} to 0x{segment.End:x}",
                    "Give the VM more memory, or link the image lower.");
            }
        }

        foreach (BootSegment segment in image.Segments)
        {
            memory.Write(segment.Start, segment.Bytes.Span);
            ulong copied = (ulong)segment.Bytes.Length;
            Zero(memory, segment.Start + copied, segment.MemoryBytes - copied);
        }

        return image.Protocol switch
        {
            BootProtocol.Multiboot => EnterMultiboot(image, memory, reset, vcpuCount),
            BootProtocol.Flat => EnterFlat(image, reset),
            BootProtocol.Linux => LinuxBoot.Enter(image, memory, reset, vcpuCount),
            BootProtocol.Pvh => PvhBoot.Enter(image, memory, reset, vcpuCount),
        };
    }

    // An image may overlap itself: bss of one segment over the bytes of an earlier one must read zero.
    private static void Zero(GuestMemory memory, Gpa start, ulong lengthBytes)
    {
        Span<byte> page = stackalloc byte[GuestMemory.PageBytes];
        ulong end = start.Value + lengthBytes;
        for (ulong at = start.Value; at < end;)
        {
            int inPage = (int)Math.Min(end - at, GuestMemory.PageBytes - (at % GuestMemory.PageBytes));
            if (!memory.IsZero((int)(at / GuestMemory.PageBytes)))
            {
                memory.Write(new Gpa(at), page[..inPage]);
            }

            at += (ulong)inPage;
        }
    }

    private static VcpuState EnterMultiboot(BootImage image, GuestMemory memory, VcpuState reset, int vcpuCount)
    {
        uint information = PlaceInformation(image, memory);
        LegacyFirmware.PlaceVectors(image, memory);
        _ = AcpiTables.TryPlace(image, memory, vcpuCount);
        SegmentState code = new(Selector: 0x08, Base: 0, Limit: uint.MaxValue, Attributes: 0xC09B);
        SegmentState data = new(Selector: 0x10, Base: 0, Limit: uint.MaxValue, Attributes: 0xC093);
        return reset with
        {
            Gprs = Gprs(
                rax: MultibootLoaderMagic, rbx: information, rsp: LowStackTop),
            Rip = image.EntryPoint.Value,
            RFlags = RFlagsReserved,
            Cr0 = Cr0Protected,
            Segments = [data, code, data, data, data, data, reset.Segments[6], reset.Segments[7]],
            Activity = VcpuActivity.Running,
            Apic = LegacyFirmware.VirtualWire(reset.Apic),
        };
    }

    private static uint PlaceInformation(BootImage image, GuestMemory memory)
    {
        (uint Start, uint End)? module = null;
        ulong imageEnd = image.Segments.Max(segment => segment.End);
        if (!image.Initrd.IsEmpty)
        {
            ulong start = MemoryMap.PlaceInitrd(image, memory, top: false).Value;
            imageEnd = start + (ulong)image.Initrd.Length;
            module = ((uint)start, (uint)imageEnd);
        }

        int lengthBytes = MultibootInformation.Build(memory.SizeBytes, image.CommandLine, address: 0, module).Length;
        ulong behindImage = (imageEnd + GuestMemory.PageBytes - 1) & ~(ulong)(GuestMemory.PageBytes - 1);
        foreach (ulong place in InformationPlaces.Add(behindImage))
        {
            if (MemoryMap.IsFree(image, memory, place, (ulong)lengthBytes))
            {
                memory.Write(
                    new Gpa(place),
                    MultibootInformation.Build(memory.SizeBytes, image.CommandLine, (uint)place, module));
                return (uint)place;
            }
        }

        throw BootImageException.Of(
            $"{lengthBytes} free bytes for the multiboot information structure",
            $"an image that fills all of {memory.SizeBytes >> 20} MiB",
            "Give the VM more memory.");
    }

    private static VcpuState EnterFlat(BootImage image, VcpuState reset)
    {
        SegmentState code = new(Selector: 0, Base: 0, Limit: 0xFFFF, Attributes: 0x9B);
        SegmentState data = new(Selector: 0, Base: 0, Limit: 0xFFFF, Attributes: 0x93);
        return reset with
        {
            Gprs = Gprs(rax: 0, rbx: 0, rsp: LowStackTop),
            Rip = image.EntryPoint.Value,
            RFlags = RFlagsReserved,
            Cr0 = Cr0Real,
            Segments = [data, code, data, data, data, data, reset.Segments[6], reset.Segments[7]],
            Activity = VcpuActivity.Running,
        };
    }

    private static ImmutableArray<ulong> Gprs(ulong rax, ulong rbx, ulong rsp) =>
        [rax, 0, 0, rbx, rsp, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
}
