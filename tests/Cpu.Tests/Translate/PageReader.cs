// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.Tests.Execute;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Cpu.Tests.Translate;

/// <summary>A guest that reads a word of one page after the other.</summary>
internal static class PageReader
{
    /// <summary>One that has come to its end.</summary>
    public static TestGuest Run(int? hotEntries, uint pages)
    {
        var guest = TestGuest.LongWith(hotEntries);
        Assembler assembler = new(64);
        Label again = assembler.CreateLabel();
        assembler.mov(edi, 0x20_0000);
        assembler.mov(ecx, pages);
        assembler.Label(ref again);
        assembler.add(rax, __[rdi]);
        assembler.add(rdi, GuestMemory.PageBytes);
        assembler.dec(ecx);
        assembler.jnz(again);
        assembler.hlt();
        guest.Put(assembler, TestGuest.CodeStart);
        _ = Assert.IsType<VmExit.Halted>(guest.Run());
        return guest;
    }
}
