// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Benchmarks.Engine.Guests;

/// <summary>From multiboot's 32-bit entry to 64-bit mode with page tables, SSE and SYSCALL.</summary>
internal static class BootCode
{
    private const int MultibootHeaderBytes = 32;
    private const uint HeaderMagic = 0x1BAD_B002;

    /// <summary>The header holds addresses.</summary>
    private const uint HeaderFlags = 1 << 16;

    /// <summary>Where the image is entered, with paging off and flat segments.</summary>
    public const uint Entry = GuestLayout.Image + 0x80;
    private const uint EferRegister = 0xC000_0080;
    private const uint EferLongModeAndSyscall = 0x101;

    /// <summary>PAE, OSFXSR and OSXMMEXCPT.</summary>
    private const uint Cr4 = 0x620;

    /// <summary>Paging, NE, ET, MP and protected mode; neither write protection nor a cache that is off.</summary>
    private const uint Cr0 = 0x8000_0033;

    private const uint Descriptors = GuestLayout.Image + MultibootHeaderBytes;
    private const uint DescriptorPointer = Descriptors + (DescriptorCount * sizeof(ulong));
    private const int DescriptorCount = 8;

    /// <summary>A page: multiboot's header, the GDT with what LGDT reads, and the code.</summary>
    /// <param name="imageBytes">Of the image, with this page.</param>
    public static byte[] Build(uint imageBytes)
    {
        Assembler assembler = new(bitness: 32);
        Emit(assembler);
        using MemoryStream code = new();
        _ = assembler.Assemble(new StreamCodeWriter(code), Entry);
        byte[] page = new byte[GuestLayout.PageBytes];
        WriteHeader(page, imageBytes);
        WriteDescriptors(page.AsSpan(MultibootHeaderBytes));
        code.ToArray().CopyTo(page, (int)(Entry - GuestLayout.Image));
        return page;
    }

    private static void WriteHeader(Span<byte> page, uint imageBytes)
    {
        uint end = GuestLayout.Image + imageBytes;
        ReadOnlySpan<uint> words =
        [
            HeaderMagic, HeaderFlags, unchecked(0 - HeaderMagic - HeaderFlags),
            GuestLayout.Image, GuestLayout.Image, end, end, Entry,
        ];
        MemoryMarshal.AsBytes(words).CopyTo(page);
    }

    private static void WriteDescriptors(Span<byte> at)
    {
        ReadOnlySpan<ulong> table =
        [
            0,
            0x00CF_9A00_0000_FFFF, // Code32
            0x00CF_9200_0000_FFFF, // Data0
            0x00AF_9A00_0000_FFFF, // Code64
            0x00CF_9200_0000_FFFF, // its stack
            0,                     // UserBase
            0x00CF_F200_0000_FFFF, // its stack
            0x00AF_FA00_0000_FFFF, // its 64-bit code
        ];
        MemoryMarshal.AsBytes(table).CopyTo(at);
        Span<byte> pointer = at[(DescriptorCount * sizeof(ulong))..];
        BinaryPrimitives.WriteUInt16LittleEndian(pointer, (DescriptorCount * sizeof(ulong)) - 1);
        BinaryPrimitives.WriteUInt32LittleEndian(pointer[sizeof(ushort)..], Descriptors);
    }

    private static void Emit(Assembler a)
    {
        a.cli();
        a.cld();
        a.lgdt(__[DescriptorPointer]);
        EmitPageTables(a);
        a.mov(eax, Cr4);
        a.mov(cr4, eax);
        a.mov(eax, GuestLayout.PageMapLevel4);
        a.mov(cr3, eax);
        a.mov(ecx, EferRegister);
        a.mov(eax, EferLongModeAndSyscall);
        a.xor(edx, edx);
        a.wrmsr();
        a.mov(eax, Cr0);
        a.mov(cr0, eax);
        a.mov(eax, GuestLayout.Data0);
        a.mov(ds, eax);
        a.mov(es, eax);
        a.mov(ss, eax);
        a.mov(esp, GuestLayout.StackTop);
        a.jmp(GuestLayout.Code64, GuestLayout.Program);
    }

    private static void EmitPageTables(Assembler a)
    {
        a.mov(edi, GuestLayout.PageMapLevel4);
        a.xor(eax, eax);
        a.mov(ecx, (3 + GuestLayout.PageTableCount) * GuestLayout.PageBytes / sizeof(uint));
        a.rep.stosd();
        a.mov(__dword_ptr[GuestLayout.PageMapLevel4], GuestLayout.PagePointers | GuestLayout.PageRights);
        a.mov(__dword_ptr[GuestLayout.PagePointers], GuestLayout.PageDirectory | GuestLayout.PageRights);
        EmitEntries(a, GuestLayout.PageDirectory, GuestLayout.PageTables, GuestLayout.PageTableCount);
        EmitEntries(a, GuestLayout.PageTables, first: 0, GuestLayout.MemoryBytes / GuestLayout.PageBytes);
    }

    /// <summary>Entries for pages that follow each other.</summary>
    private static void EmitEntries(Assembler a, uint table, uint first, uint count)
    {
        Label entry = a.CreateLabel();
        a.mov(edi, table);
        a.mov(eax, first | GuestLayout.PageRights);
        a.mov(ecx, count);
        a.Label(ref entry);
        a.mov(__[edi], eax);
        a.add(edi, 8);
        a.add(eax, GuestLayout.PageBytes);
        a.dec(ecx);
        a.jnz(entry);
    }
}
