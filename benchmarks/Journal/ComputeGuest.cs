// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Machine.Loaders;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Benchmarks.Journal;

/// <summary>A boot sector that only computes, from its first instruction to its end at port F4H, without a line on its
/// console.</summary>
internal static class ComputeGuest
{
    private const int SectorBytes = 512;

    /// <param name="rounds">Of fourteen instructions.</param>
    public static byte[] Build(uint rounds)
    {
        Assembler code = new(bitness: 16);
        Label again = code.CreateLabel();
        code.mov(ecx, rounds);
        code.Label(ref again);
        for (int step = 0; step < 3; step++)
        {
            code.add(eax, ecx);
            code.xor(ebx, eax);
            code.lea(edx, __[eax + (ebx * 2)]);
            code.shr(edx, 3);
        }

        code.dec(ecx);
        code.jne(again);
        code.mov(al, 1);
        code.@out(0xF4, al);
        code.hlt();
        byte[] sector = new byte[SectorBytes];
        using MemoryStream image = new(sector);
        _ = code.Assemble(new StreamCodeWriter(image), BootImageLoader.FlatLoadAddress);
        (sector[^2], sector[^1]) = (0x55, 0xAA);
        return sector;
    }
}
