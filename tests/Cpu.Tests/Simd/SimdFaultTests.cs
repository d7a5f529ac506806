// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Collections.Immutable;
using Iced.Intel;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Names;
using KvmActors.Cpu.State;
using KvmActors.Cpu.Tests.Execute;
using KvmActors.Cpu.Tests.Silicon;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Cpu.Tests.Simd;

/// <summary>What MMX and SSE instructions are when they may not run, or their operand is not there.</summary>
/// <remarks>Source: Intel SDM vol. 2A, section 2.4; vol. 3A, tables 13-1 and 14-1.</remarks>
public sealed class SimdFaultTests
{
    private const ulong Emulation = 1 << 2;
    private const ulong TaskSwitched = 1 << 3;
    private const ulong NumericError = 1 << 5;
    private const ulong FxSave = 1 << 9;
    private const ulong SimdExceptions = 1 << 10;
    private const ulong Both = FxSave | SimdExceptions;
    private const ulong NotPresent = 0x5_0000;
    private const int NoFault = -1;
    private const int Undefined = 6;

    public static TheoryData<string, ulong, ulong, int> Availability => new()
    {
        { "paddb xmm", 0, Both, NoFault },
        { "paddb xmm", 0, 0, Undefined },
        { "paddb xmm", TaskSwitched, Both, 7 },
        { "paddb xmm", TaskSwitched | Emulation, Both, Undefined },
        { "paddb mm", 0, 0, NoFault },
        { "paddb mm", TaskSwitched, 0, 7 },
        { "paddb mm", TaskSwitched | Emulation, 0, Undefined },
        { "movq2dq", 0, 0, Undefined },
        { "movq2dq", TaskSwitched, Both, 7 },
        { "cvtpi2ps", Emulation, Both, Undefined },
        { "emms", TaskSwitched, 0, 7 },
        { "ldmxcsr", 0, 0, Undefined },
        { "ldmxcsr", TaskSwitched, Both, 7 },
        { "ldmxcsr", 0, Both, NoFault },
        { "movnti", TaskSwitched | Emulation, 0, NoFault },
        { "crc32", TaskSwitched | Emulation, 0, NoFault },
        { "mfence", TaskSwitched | Emulation, 0, NoFault },
        { "clflush", TaskSwitched | Emulation, 0, NoFault },
    };

    [Theory]
    [MemberData(nameof(Availability))]
    public void Control_registers_decide_first(string what, ulong cr0, ulong cr4, int vector)
    {
        using TestGuest guest = Guest(a => Write(a, what), cr0, cr4);
        guest[Gpr.Rbx] = TestGuest.DataStart;
        guest.Write64(TestGuest.DataStart, 0x1F80);

        AssertEnds(guest, vector);
    }

    [Theory]
    [InlineData("movaps load", 13)]
    [InlineData("movaps store", 13)]
    [InlineData("movntdq", 13)]
    [InlineData("addps", 13)]
    [InlineData("cvtpd2pi", 13)]
    [InlineData("movups load", NoFault)]
    [InlineData("movups store", NoFault)]
    [InlineData("lddqu", NoFault)]
    [InlineData("pcmpistri", NoFault)]
    [InlineData("addsd", NoFault)]
    [InlineData("ldmxcsr", 13)]
    public void Only_aligned_forms_want_alignment(string what, int vector)
    {
        using TestGuest guest = Guest(a => Write(a, what));
        guest[Gpr.Rbx] = TestGuest.DataStart + 8;
        guest.Write64(TestGuest.DataStart + 8, 0x1_0000);
        byte[] before = guest.Vcpu.Save().FxSave.ToArray();

        AssertEnds(guest, vector);
        if (vector != NoFault)
        {
            Assert.Equal(0ul, guest.Read64(guest[Gpr.Rsp]));
            Assert.Equal(before, guest.Vcpu.Save().FxSave.ToArray());
        }
    }

    [Theory]
    [InlineData("movups load", NoFault)]
    [InlineData("movups store", NoFault)]
    [InlineData("movlps store", 17)]
    [InlineData("addsd", 17)]
    public void Where_alignment_is_checked_16_bytes_are_not(string what, int vector)
    {
        using var guest = TestGuest.Long(
            a =>
            {
                Write(a, what);
                a.vmcall();
            },
            privilege: 3);
        guest.Change(state => Enable(state, cr0: 1 << 18, Both) with { RFlags = 0x4_0202 });
        guest[Gpr.Rbx] = TestGuest.DataStart + 1;

        VmExit exit = guest.Run();

        Assert.True(vector == NoFault ? exit is VmExit.Hypercall : exit is VmExit.Halted, exit.ToString());
        Assert.True(vector == NoFault || guest.Vcpu.Rip == GuestTables.HandlerOf(vector) + 1);
    }

    [Theory]
    [InlineData("movups load")]
    [InlineData("movups store")]
    [InlineData("movlps store")]
    [InlineData("movq mm store")]
    [InlineData("maskmovdqu")]
    [InlineData("clflush", 0)]
    public void An_access_into_a_page_that_is_not_there_changes_nothing(string what, int before = 4)
    {
        using TestGuest guest = Guest(a => Write(a, what));
        GuestTables.SetPage(guest.Memory, NotPresent >> 12, 0);
        ulong start = NotPresent - (ulong)before;
        guest[Gpr.Rbx] = start;
        guest[Gpr.Rdi] = start;
        guest.Write64(NotPresent - 8, 0x1122_3344_5566_7788);
        byte[] fxSave = guest.Vcpu.Save().FxSave.ToArray();

        AssertEnds(guest, vector: 14);
        Assert.Equal(NotPresent, guest.Vcpu.Save().Cr2);
        Assert.Equal(0x1122_3344_5566_7788ul, guest.Read64(NotPresent - 8));
        Assert.Equal(fxSave, guest.Vcpu.Save().FxSave.ToArray());
    }

    [Theory]
    [InlineData(Both, 19)]
    [InlineData(FxSave, Undefined)]
    public void A_SIMD_exception_that_is_not_masked_has_a_vector_if_the_guest_said_so(ulong cr4, int vector)
    {
        using TestGuest guest = Guest(a => a.divps(xmm1, xmm2), cr0: 0, cr4);
        const uint DivisionUnmasked = 0x1F80 & ~(1u << 9);
        guest.Change(state => state with { FxSave = WithMxcsr(state.FxSave, DivisionUnmasked, xmm1: 0x3F80_0000) });

        AssertEnds(guest, vector);
        ReadOnlySpan<byte> image = guest.Vcpu.Save().FxSave.AsSpan();
        Assert.Equal(0x3F80_0000u, BinaryPrimitives.ReadUInt32LittleEndian(image[(FxStateImage.Xmm + 16)..]));
        uint mxcsr = BinaryPrimitives.ReadUInt32LittleEndian(image[FxStateImage.Mxcsr..]);

        // 1 / 0 and 0 / 0: both flags.
        Assert.Equal(DivisionUnmasked | 5, mxcsr);
    }

    [Theory]
    [InlineData(NumericError, 16)]
    [InlineData(0ul, NoFault)]
    public void An_x87_exception_that_waits_comes_before_MMX(ulong cr0, int vector)
    {
        using TestGuest guest = Guest(a => Write(a, "paddb mm"), cr0);
        guest.Change(state =>
        {
            byte[] image = [.. state.FxSave];
            BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(FxStateImage.Status), 0x8081);
            BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(FxStateImage.Control), 0x37E);
            return state with { FxSave = [.. image] };
        });

        AssertEnds(guest, vector);
    }

    [Fact]
    public void A_saved_MXCSR_that_no_processor_has_is_refused()
    {
        const int MxcsrOffset = 24;
        using var guest = TestGuest.Long(a => a.hlt());
        VcpuState state = guest.Vcpu.Save();

        ArgumentException refused = Assert.Throws<ArgumentException>(
            () => guest.Vcpu.Restore(state with { FxSave = state.FxSave.SetItem(MxcsrOffset + 2, 2) }));

        Assert.Contains("found 0x21f80", refused.Message, StringComparison.Ordinal);
        Assert.Equal(state.FxSave.AsSpan(), guest.Vcpu.Save().FxSave.AsSpan());
    }

    [Fact]
    public void Without_its_feature_each_form_is_undefined()
    {
        using var guest = TestGuest.Long(a => a.nop());
        VcpuState template = Enable(guest.Vcpu.Save(), cr0: 0, Both);
        CaseGenerator generator = new(TestGuest.DataStart, bits: 64, new VectorContents());
        int checkedForms = 0;
        foreach (string name in SimdForms.FeatureNames)
        {
            CpuidTable without = SimdTables.Without(template.Cpuid, CpuidFeatures.Named(name));
            foreach (Code code in SimdForms.All.Where(code => Needs(code, name)))
            {
                SiliconCase made = generator.TryMake(code, new Random((int)code))
                    ?? throw new InvalidOperationException($"No case of {code} can be made.");
                guest.Memory.Write(new Gpa(TestGuest.CodeStart), made.Bytes);
                guest.Vcpu.Restore(template with { Cpuid = without });

                VmExit exit = guest.Vcpu.Run(budget: 1, vmTime: 0);

                Assert.True(exit is VmExit.InvalidOpcode, $"{code} without {name}: {exit}");
                checkedForms++;
            }
        }

        Assert.True(checkedForms > 400, $"{checkedForms} forms");
    }

    /// <summary>PREFETCH is a hint that older processors ignore.</summary>
    private static bool Needs(Code code, string name) =>
        code.ToOpCode().IsAvailableInMode(64)
        && code.CpuidFeatures().Any(feature => SimdForms.NameOf(feature) == name)
        && code != Code.Paddq_mm_mmm64
        && code.Mnemonic() is not (Mnemonic.Prefetchnta or Mnemonic.Prefetcht0 or Mnemonic.Prefetcht1
            or Mnemonic.Prefetcht2);

    private static TestGuest Guest(Action<Assembler> program, ulong cr0 = 0, ulong cr4 = Both)
    {
        var guest = TestGuest.Long(a =>
        {
            program(a);
            a.hlt();
        });
        guest.Change(state => Enable(state, cr0, cr4));
        return guest;
    }

    private static VcpuState Enable(VcpuState state, ulong cr0, ulong cr4) => state with
    {
        Cr0 = state.Cr0 | cr0,
        Cr4 = state.Cr4 | cr4,
        FxSave = [.. Image()],
    };

    /// <summary>XMM15 all ones, the rest as after FNINIT.</summary>
    private static byte[] Image()
    {
        byte[] image = FxStateImage.Initial();
        FxStateImage.XmmOf(image, 15).Fill(byte.MaxValue);
        return image;
    }

    private static ImmutableArray<byte> WithMxcsr(ImmutableArray<byte> fxSave, uint mxcsr, uint xmm1)
    {
        byte[] image = [.. fxSave];
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(FxStateImage.Mxcsr), mxcsr);
        BinaryPrimitives.WriteUInt32LittleEndian(FxStateImage.XmmOf(image, 1), xmm1);
        return [.. image];
    }

    private static void AssertEnds(TestGuest guest, int vector)
    {
        VmExit exit = guest.Run();
        if (vector == Undefined)
        {
            Assert.IsType<VmExit.InvalidOpcode>(exit);
            Assert.Equal(TestGuest.CodeStart, guest.Vcpu.Rip);
            return;
        }

        Assert.True(exit is VmExit.Halted, exit.ToString());
        if (vector != NoFault)
        {
            Assert.Equal(GuestTables.HandlerOf(vector) + 1, guest.Vcpu.Rip);
        }
        else
        {
            Assert.InRange(guest.Vcpu.Rip, TestGuest.CodeStart, TestGuest.CodeStart + 32);
        }
    }

    private static void Write(Assembler a, string what)
    {
        switch (what)
        {
            case "paddb xmm": a.paddb(xmm1, xmm2); break;
            case "paddb mm": a.paddb(mm1, mm2); break;
            case "movq2dq": a.movq2dq(xmm1, mm2); break;
            case "cvtpi2ps": a.cvtpi2ps(xmm1, mm2); break;
            case "emms": a.emms(); break;
            case "ldmxcsr": a.ldmxcsr(__dword_ptr[rbx]); break;
            case "movnti": a.movnti(__dword_ptr[rbx], eax); break;
            case "crc32": a.crc32(eax, ebx); break;
            case "mfence": a.mfence(); break;
            case "clflush": a.clflush(__byte_ptr[rbx]); break;
            case "movaps load": a.movaps(xmm1, __xmmword_ptr[rbx]); break;
            case "movaps store": a.movaps(__xmmword_ptr[rbx], xmm1); break;
            case "movntdq": a.movntdq(__xmmword_ptr[rbx], xmm1); break;
            case "addps": a.addps(xmm1, __xmmword_ptr[rbx]); break;
            case "cvtpd2pi": a.cvtpd2pi(mm1, __xmmword_ptr[rbx]); break;
            case "movups load": a.movups(xmm1, __xmmword_ptr[rbx]); break;
            case "movups store": a.movups(__xmmword_ptr[rbx], xmm1); break;
            case "lddqu": a.lddqu(xmm1, __xmmword_ptr[rbx]); break;
            case "pcmpistri": a.pcmpistri(xmm1, __xmmword_ptr[rbx], 0); break;
            case "addsd": a.addsd(xmm1, __qword_ptr[rbx]); break;
            case "movlps store": a.movlps(__qword_ptr[rbx], xmm1); break;
            case "movq mm store": a.movq(__qword_ptr[rbx], mm1); break;
            case "maskmovdqu": a.maskmovdqu(xmm1, xmm15); break;
            default: throw new ArgumentException($"No instruction is called {what}.", nameof(what));
        }
    }
}
