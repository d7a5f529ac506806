// SPDX-License-Identifier: Apache-2.0

using System.ComponentModel;
using System.Diagnostics;
using Iced.Intel;
using KvmActors.Machine.Loaders;
using KvmActors.Machine.Tests.Loaders;
using Xunit;
using Xunit.Abstractions;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Machine.Tests.Guests;

/// <summary>The same multiboot image here and in QEMU puts out the same. Where QEMU is not installed, the test says so
/// and does nothing.</summary>
public sealed class QemuOracleTests(ITestOutputHelper output)
{
    private const string Program = "qemu-system-x86_64";
    private const uint CodeAddress = 0x10_000C;
    private const int Letters = 200;

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);

    [Fact]
    public void A_guest_puts_out_what_it_puts_out_in_qemu()
    {
        byte[] file = ImageBuilder.Elf(is64: false, Code());
        if (RunInQemu(file) is not { } expected)
        {
            output.WriteLine($"Skipped: {Program} is not installed.");
            return;
        }

        var run = GuestRun.Of(BootImageLoader.Load(file, ""));

        Assert.Equal(Letters, expected.Length);
        Assert.Equal(expected, run.Console);
    }

    private static string? RunInQemu(byte[] file)
    {
        string path = Path.Combine(Path.GetTempPath(), $"kvmactors-{Guid.NewGuid():n}.elf");
        File.WriteAllBytes(path, file);
        try
        {
            using Process qemu = new();
            qemu.StartInfo = new ProcessStartInfo(Program)
            {
                RedirectStandardOutput = true,
                ArgumentList =
                {
                    "-accel", "tcg", "-cpu", "max", "-display", "none", "-serial", "stdio", "-m", "64", "-no-reboot",
                    "-device", "isa-debug-exit,iobase=0xf4,iosize=0x4", "-kernel", path,
                },
            };
            _ = qemu.Start();
            Task<string> text = qemu.StandardOutput.ReadToEndAsync();
            if (!qemu.WaitForExit(s_limit))
            {
                qemu.Kill();
            }

            return text.GetAwaiter().GetResult();
        }
        catch (Win32Exception)
        {
            return null;
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>Integers, x87, flags and strings, mixed into a letter a round.</summary>
    private static byte[] Code()
    {
        Assembler a = new(bitness: 32);
        Label round = a.CreateLabel();
        Label wait = a.CreateLabel();
        a.mov(esp, 0x20_0000);
        a.fninit();
        a.fldpi();
        a.mov(ebx, 0x1234_5678);
        a.mov(ebp, Letters);
        a.Label(ref round);
        a.imul(ebx, ebx, 0x41C6_4E6D);
        a.add(ebx, 12345);
        a.rcr(ebx, 7);
        a.pushfd();
        a.pop(ecx);
        a.and(ecx, 1);
        a.push(ebx);
        a.fild(__dword_ptr[esp]);
        a.fabs();
        a.fsqrt();
        a.fadd(st0, st1);
        a.fld(st0);
        a.fmul(st0, st2);
        a.fistp(__dword_ptr[esp]);
        a.fstp(st1);
        a.pop(edx);
        a.xor(ebx, edx);
        a.add(ebx, ecx);
        a.mov(edi, 0x21_0000);
        a.mov(eax, ebx);
        a.mov(ecx, 9);
        a.rep.stosd();
        a.mov(esi, 0x21_0003);
        a.mov(edi, 0x21_0005);
        a.mov(ecx, 13);
        a.rep.movsb();
        a.add(ebx, __dword_ptr[0x21_0008]);
        a.Label(ref wait);
        a.mov(dx, 0x3FD);
        a.@in(al, dx);
        a.test(al, 0x20);
        a.jz(wait);
        a.mov(eax, ebx);
        a.shr(eax, 11);
        a.and(eax, 0x3F);
        a.add(eax, 0x30);
        a.mov(dx, 0x3F8);
        a.@out(dx, al);
        a.dec(ebp);
        a.jnz(round);
        a.mov(dx, 0xF4);
        a.xor(eax, eax);
        a.@out(dx, eax);
        a.hlt();
        MemoryStream bytes = new();
        _ = a.Assemble(new StreamCodeWriter(bytes), CodeAddress);
        return bytes.ToArray();
    }
}
