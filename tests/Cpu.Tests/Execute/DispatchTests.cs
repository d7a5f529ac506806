// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.State;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Cpu.Tests.Execute;

/// <summary>Threaded dispatch: handlers that jump to each other must leave no stack behind, and give what the loop
/// gives.
/// </summary>
public sealed class DispatchTests
{
    private const string LoopSwitch = "KvmActors.Cpu.LoopDispatch";
    private const int SmallStackBytes = 256 * 1024;
    private const ulong Instructions = 3_000_000;

    [Fact]
    public void Every_frequent_form_runs_for_millions_of_instructions_on_a_small_stack()
    {
        // A single handler that called instead of jumping would end this process with a stack overflow here.
        string threaded = RunOnSmallStack();
        AppContext.SetSwitch(LoopSwitch, isEnabled: true);
        try
        {
            Assert.Equal(RunOnSmallStack(), threaded);
        }
        finally
        {
            AppContext.SetSwitch(LoopSwitch, isEnabled: false);
        }
    }

    private static string RunOnSmallStack()
    {
        string result = "";
        Thread thread = new(
            () =>
            {
                using var guest = TestGuest.Long(EveryForm);
                guest[Gpr.Rbx] = TestGuest.DataStart;
                VmExit exit = guest.Run(Instructions);
                result = $"{exit}\n{StateText.Of(guest.Vcpu.Save())}";
            },
            SmallStackBytes);
        thread.Start();
        thread.Join();
        return result;
    }

    private static void EveryForm(Assembler a)
    {
        Label again = a.CreateLabel();
        Label function = a.CreateLabel();
        a.lea(r12, __[function]);
        a.mov(__qword_ptr[rbx + 0x100], r12);
        a.Label(ref again);
        Moves(a);
        Binary(a);
        Unary(a);
        Shifts(a);
        Conditions(a);
        Stack(a, function);
        a.jmp(again);
        a.Label(ref function);
        a.nop();
        a.ret();
    }

    private static void Moves(Assembler a)
    {
        a.mov(al, cl);
        a.mov(ax, cx);
        a.mov(eax, ecx);
        a.mov(rax, rcx);
        a.mov(dl, 7);
        a.mov(dx, 7);
        a.mov(edx, 7);
        a.mov(rdx, 0x1234_5678_9ABC);
        a.mov(__byte_ptr[rbx], al);
        a.mov(__word_ptr[rbx + 2], ax);
        a.mov(__dword_ptr[rbx + 4], eax);
        a.mov(__qword_ptr[rbx + 8], rdx);
        a.mov(__byte_ptr[rbx + 1], 3);
        a.mov(__word_ptr[rbx + 2], 3);
        a.mov(__dword_ptr[rbx + 4], 3);
        a.mov(__qword_ptr[rbx + 16], 3);
        a.mov(cl, __byte_ptr[rbx]);
        a.mov(cx, __word_ptr[rbx]);
        a.mov(ecx, __dword_ptr[rbx]);
        a.mov(rcx, __qword_ptr[rbx + 8]);
        a.lea(rsi, __[rbx + (rcx * 4) + 5]);
        a.lea(esi, __[rbx + rcx]);
        a.lea(si, __[ebx + ecx]);
        a.movzx(eax, cl);
        a.movzx(eax, cx);
        a.movsx(rax, cl);
        a.movsxd(rax, ecx);
        a.movzx(eax, __byte_ptr[rbx]);
        a.movzx(eax, __word_ptr[rbx]);
        a.movsx(rax, __byte_ptr[rbx]);
        a.movsxd(rax, __dword_ptr[rbx]);
    }

    private static void Binary(Assembler a)
    {
        a.add(al, cl);
        a.adc(ax, cx);
        a.sub(eax, ecx);
        a.sbb(rax, rcx);
        a.and(eax, 0xFFF);
        a.or(rax, 0x11);
        a.xor(eax, __dword_ptr[rbx]);
        a.cmp(rax, __qword_ptr[rbx]);
        a.test(al, 1);
        a.test(eax, eax);
        a.add(__byte_ptr[rbx], al);
        a.adc(__word_ptr[rbx], ax);
        a.sub(__dword_ptr[rbx], eax);
        a.xor(__qword_ptr[rbx], rax);
        a.add(__dword_ptr[rbx], 5);
        a.cmp(__dword_ptr[rbx], 5);
        a.test(__qword_ptr[rbx], 5);
        a.imul(rax, rcx, 3);
        a.imul(eax, __dword_ptr[rbx]);
    }

    private static void Unary(Assembler a)
    {
        a.inc(al);
        a.dec(eax);
        a.neg(rax);
        a.not(ax);
        a.inc(__dword_ptr[rbx]);
        a.dec(__byte_ptr[rbx]);
        a.neg(__qword_ptr[rbx]);
        a.not(__word_ptr[rbx]);
        a.bswap(rax);
        a.cdq();
        a.nop();
    }

    private static void Shifts(Assembler a)
    {
        a.shl(eax, 3);
        a.shr(rax, 1);
        a.sar(ax, 2);
        a.rol(eax, 5);
        a.ror(rax, 9);
        a.rcl(eax, 1);
        a.rcr(al, 1);
        a.shl(eax, cl);
        a.shr(rax, cl);
        a.sar(eax, cl);
        a.shl(__dword_ptr[rbx], 1);
        a.ror(__qword_ptr[rbx], cl);
    }

    private static void Conditions(Assembler a)
    {
        Label[] targets = [.. Enumerable.Range(0, 8).Select(_ => a.CreateLabel())];
        a.cmp(eax, ecx);
        a.jo(targets[0]);
        a.jb(targets[1]);
        a.jz(targets[2]);
        a.jbe(targets[3]);
        a.js(targets[4]);
        a.jp(targets[5]);
        a.jl(targets[6]);
        a.jle(targets[7]);
        for (int index = 0; index < targets.Length; index++)
        {
            a.Label(ref targets[index]);
            a.seta(dl);
            a.setge(__byte_ptr[rbx + 0x20]);
            a.cmovnz(edx, ecx);
            a.cmovg(rdx, __qword_ptr[rbx]);
            a.cmovns(dx, cx);
        }
    }

    private static void Stack(Assembler a, Label function)
    {
        a.push(rax);
        a.push(5);
        a.pop(rcx);
        a.pop(rax);
        a.call(function);
        a.call(r12);
        a.call(__qword_ptr[rbx + 0x100]);
    }
}
