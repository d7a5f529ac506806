// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Samples.Guests.Story;

/// <summary>The 32-bit code from the multiboot entry to long mode.</summary>
/// <remarks>Source: Intel SDM vol. 3A, section 9.8.5 "Initializing IA-32e Mode".</remarks>
internal static class BootStage
{
    private const int PresentWritable = 3;
    private const int LargePage = 0x80;
    private const int PageShift = 12;

    public static byte[] Assemble(DataSection data)
    {
        Assembler c = new(bitness: 32);
        CheckLoader(c);
        BuildPageTables(c);
        EnterLongMode(c, data);
        MemoryStream bytes = new();
        _ = c.Assemble(new StreamCodeWriter(bytes), GuestLayout.Boot + MultibootElf.HeaderBytes);
        return bytes.ToArray();
    }

    private static void CheckLoader(Assembler c)
    {
        Label loaded = c.CreateLabel();
        c.cmp(eax, 0x2BADB002);
        c.je(loaded);

        // Not started by a multiboot loader: nothing here is as it should be, and no stack either.
        c.mov(dx, 0xF4);
        c.mov(eax, 2);
        c.@out(dx, eax);
        c.hlt();
        c.Label(ref loaded);
        c.cld();
        c.mov(esp, GuestLayout.StackTop);
        c.mov(__dword_ptr[GuestVariables.MultibootInformation], ebx);
    }

    private static void BuildPageTables(Assembler c)
    {
        c.mov(__dword_ptr[GuestLayout.Pml4], GuestLayout.PageDirectoryPointers | PresentWritable);
        c.mov(__dword_ptr[GuestLayout.Pml4 + (256 * 8)], GuestLayout.PageDirectoryPointers | PresentWritable);
        c.mov(__dword_ptr[GuestLayout.PageDirectoryPointers], GuestLayout.PageDirectory | PresentWritable);

        // The first 2 MiB in pages of 4 KiB, the other 1022 MiB of the first GiB in pages of 2 MiB.
        FillTable(c, GuestLayout.PageDirectory, PageShift + 9, PresentWritable | LargePage);
        c.mov(__dword_ptr[GuestLayout.PageDirectory], GuestLayout.PageTable | PresentWritable);
        FillTable(c, GuestLayout.PageTable, PageShift, PresentWritable);

        // No page at 0, so that a null pointer faults; one page missing, one read-only, for the proof of #PF.
        c.mov(__dword_ptr[GuestLayout.PageTable], 0);
        c.mov(__dword_ptr[EntryOf(GuestLayout.MissingPage)], 0);
        c.mov(__dword_ptr[EntryOf(GuestLayout.ReadOnlyPage)], GuestLayout.ReadOnlyPage | 1);
    }

    public static uint EntryOf(uint page) => GuestLayout.PageTable + ((page >> PageShift) * 8);

    private static void FillTable(Assembler c, uint table, int shift, int flags)
    {
        Label next = c.CreateLabel();
        c.xor(ecx, ecx);
        c.Label(ref next);
        c.mov(eax, ecx);
        c.shl(eax, (byte)shift);
        c.or(eax, flags);
        c.mov(__dword_ptr[ecx * 8 + (int)table], eax);
        c.inc(ecx);
        c.cmp(ecx, 512);
        c.jb(next);
    }

    private static void EnterLongMode(Assembler c, DataSection data)
    {
        const int PhysicalAddressExtension = 1 << 5;
        const uint ExtendedFeatures = 0xC000_0080;
        const int LongModeEnable = 1 << 8;
        const uint PagingAndWriteProtect = 0x8001_0000;

        uint table = data.UInt64s([0, 0x00AF_9A00_0000_FFFF, 0x00CF_9200_0000_FFFF]);
        uint pointer = data.TablePointer(limit: (3 * 8) - 1, table);
        c.lgdt(__[pointer]);
        c.mov(eax, cr4);
        c.or(eax, PhysicalAddressExtension);
        c.mov(cr4, eax);
        c.mov(eax, GuestLayout.Pml4);
        c.mov(cr3, eax);
        c.mov(ecx, ExtendedFeatures);
        c.rdmsr();
        c.or(eax, LongModeEnable);
        c.wrmsr();
        c.mov(eax, cr0);
        c.or(eax, PagingAndWriteProtect);
        c.mov(cr0, eax);

        // Compatibility mode until CS is a 64-bit segment: a far return loads it.
        c.push(GuestLayout.CodeSelector);
        c.push(GuestLayout.Code);
        c.retf();
    }
}
