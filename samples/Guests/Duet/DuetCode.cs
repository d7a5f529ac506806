// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Samples.Guests.Duet;

/// <summary>The code of the duet.</summary>
/// <remarks>Source: Intel SDM vol. 3A, section 9.4.4 "MP Initialization Example", section 9.8.5 "Initializing IA-32e
/// Mode".</remarks>
internal static class DuetCode
{
    private const uint Apic = 0xFEE0_0000;
    private const int ExtendedFeatures = unchecked((int)0xC000_0080);
    private const int LongModeEnable = 1 << 8;
    private const int PhysicalAddressExtension = 1 << 5;
    private const int PagingAndProtection = unchecked((int)0x8000_0001);

    /// <summary>From 32-bit mode, where multiboot enters vCPU 0: starts vCPU 1 and goes to 64-bit mode.</summary>
    public static byte[] AssembleEntry(DuetProgram program)
    {
        const int TrampolineBytes = 0x100;
        Assembler c = new(bitness: 32);
        c.mov(esi, DuetLayout.Trampoline);
        c.mov(edi, DuetLayout.RealMode);
        c.mov(ecx, TrampolineBytes);
        c.cld();
        c.rep.movsb();
        c.mov(__word_ptr[DuetLayout.TablePointer], 15);
        c.mov(__dword_ptr[DuetLayout.TablePointer + 2], DuetLayout.DescriptorTable);

        // INIT and SIPI to all but itself.
        c.mov(__dword_ptr[Apic + 0xF0], 0x1FF);
        c.mov(__dword_ptr[Apic + 0x300], 0x000C_4500);
        c.mov(__dword_ptr[Apic + 0x300], 0x000C_4600 | DuetLayout.SipiVector);
        c.lgdt(__[DuetLayout.TablePointer]);
        EmitLongMode(c);
        c.db(0xEA);
        EmitFarAddress(c, program.AddressOf("start64"));
        byte[] code = Bytes(c, DuetLayout.Entry);
        program.Symbols.Add(new GuestSymbol("start", DuetLayout.Entry, (uint)code.Length, IsCode: true));
        return code;
    }

    /// <summary>From real mode, where a SIPI sends vCPU 1, to 64-bit mode.</summary>
    public static byte[] AssembleTrampoline(DuetProgram program)
    {
        Assembler c = new(bitness: 16);
        c.xor(ax, ax);
        c.mov(ds, ax);
        c.lgdt(__[(ushort)DuetLayout.TablePointer]);
        EmitLongMode(c);
        c.db(0x66, 0xEA);
        EmitFarAddress(c, program.AddressOf("ap64"));
        return Bytes(c, DuetLayout.RealMode);
    }

    /// <summary>What both do in 64-bit mode.</summary>
    public static byte[] AssembleWork(DuetProgram program, int rounds)
    {
        Assembler c = new(bitness: 64);
        string[] names = ["start64", "ap64", "work", "finish", "bump", "corrupt"];
        Label[] labels = [.. names.Select(name => c.CreateLabel(name))];
        Label work = labels[2];
        c.Label(ref labels[0]);
        c.xor(edi, edi);
        c.jmp(work);
        c.Label(ref labels[1]);
        c.mov(edi, 1);
        c.Label(ref labels[2]);
        EmitWork(c, rounds, labels[3], labels[4], labels[5]);
        EmitFinish(c, ref labels[3]);
        c.Label(ref labels[4]);
        c.@lock.inc(__qword_ptr[DuetLayout.Shared]);
        c.mov(__qword_ptr[DuetLayout.LastWriter], rdi);
        c.ret();
        c.Label(ref labels[5]);
        c.mov(__byte_ptr[DuetLayout.Victim], DuetGuest.Corruption);
        c.ret();

        MemoryStream bytes = new();
        AssemblerResult result = c.Assemble(
            new StreamCodeWriter(bytes), DuetLayout.Work, BlockEncoderOptions.ReturnNewInstructionOffsets);
        uint[] starts = [.. labels.Select(label => (uint)result.GetLabelRIP(label))];
        uint[] ends = [.. starts.Skip(1), DuetLayout.Work + (uint)bytes.Length];
        program.Symbols.AddRange(names.Select((name, at) =>
            new GuestSymbol(name, starts[at], ends[at] - starts[at], IsCode: true)));
        return bytes.ToArray();
    }

    private static void EmitWork(Assembler c, int rounds, Label finish, Label bump, Label corrupt)
    {
        Label round = c.CreateLabel();
        Label next = c.CreateLabel();
        Label park = c.CreateLabel();
        c.mov(eax, edi);
        c.shl(eax, DuetLayout.StackShift);
        c.lea(rsp, __[rax + (int)DuetLayout.Stacks + (1 << DuetLayout.StackShift)]);
        c.mov(ebx, rounds);
        c.Label(ref round);
        c.call(bump);
        c.cmp(edi, 1);
        c.jne(next);
        c.cmp(ebx, rounds / 2);
        c.jne(next);
        c.call(corrupt);
        c.Label(ref next);
        c.dec(ebx);
        c.jnz(round);
        c.@lock.inc(__qword_ptr[DuetLayout.Done]);
        c.test(edi, edi);
        c.jz(finish);
        c.Label(ref park);
        c.hlt();
        c.jmp(park);
    }

    private static void EmitFinish(Assembler c, ref Label finish)
    {
        const byte DebugExitPort = 0xF4;
        c.Label(ref finish);
        c.cmp(__qword_ptr[DuetLayout.Done], DuetGuest.VcpuCount);
        c.jne(finish);
        c.xor(eax, eax);
        c.cmp(__byte_ptr[DuetLayout.Victim], 0);
        c.setne(al);
        c.@out(DebugExitPort, eax);
        c.cli();
        c.hlt();
    }

    private static void EmitLongMode(Assembler c)
    {
        c.mov(eax, cr4);
        c.or(eax, PhysicalAddressExtension);
        c.mov(cr4, eax);
        c.mov(eax, DuetLayout.Pml4);
        c.mov(cr3, eax);
        c.mov(ecx, ExtendedFeatures);
        c.rdmsr();
        c.or(eax, LongModeEnable);
        c.wrmsr();
        c.mov(eax, cr0);
        c.or(eax, PagingAndProtection);
        c.mov(cr0, eax);
    }

    /// <summary>The operand of a far jump with a 32-bit offset.</summary>
    private static void EmitFarAddress(Assembler c, uint address)
    {
        c.dd(address);
        c.dw(DuetLayout.CodeSelector);
    }

    private static byte[] Bytes(Assembler c, uint at)
    {
        MemoryStream bytes = new();
        _ = c.Assemble(new StreamCodeWriter(bytes), at);
        return bytes.ToArray();
    }
}
