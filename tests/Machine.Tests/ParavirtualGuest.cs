// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu;
using KvmActors.Cpu.Cpuid.Vetting;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine.Loaders;
using KvmActors.Machine.Tests.Loaders;
using KvmActors.Machine.Time;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Machine.Tests;

/// <summary>A guest of several vCPUs that makes hypercalls: the first one's code is 32-bit and flat, the others start
/// in real mode, at a page that the first one has written. All are in x2APIC mode.</summary>
internal sealed class ParavirtualGuest
{
    /// <summary>Where vCPUs leave words for each other and for the test.</summary>
    public const ushort Words = 0x8000;

    public const ulong Enough = 1_000_000;
    public const uint X2ApicBase = 0x1B;
    public const uint SpuriousVector = 0x80F;
    public const uint EndOfInterrupt = 0x80B;

    private const uint CommandRegister = 0x830;
    private const uint Trampoline = 0x9000;
    private const uint CodeAddress = 0x10_000C;

    private readonly int _vcpus;
    private readonly ulong _turnTicks;
    private readonly BootImage _image;

    /// <param name="vcpus">How many vCPUs.</param>
    /// <param name="turnTicks">The length of a turn.</param>
    /// <param name="first">The code of the first one, behind the start of the others.</param>
    /// <param name="others">The code of the others, from the first instruction on; CX is not theirs.</param>
    public ParavirtualGuest(int vcpus, ulong turnTicks, Action<Assembler> first, Action<Assembler> others)
    {
        _vcpus = vcpus;
        _turnTicks = turnTicks;
        Assembler real = new(bitness: 16);
        // A start-up IPI begins at 0900:0000; JMP 0000:9005 makes offsets linear addresses.
        real.db(0xEA, 0x05, 0x90, 0x00, 0x00);
        real.xor(ax, ax);
        real.mov(ds, ax);
        real.mov(ss, ax);
        real.mov(sp, 0x7000);
        EnableApic(real);
        others(real);

        Assembler flat = new(bitness: 32);
        EnableApic(flat);
        byte[] trampoline = Bytes(real, Trampoline);
        for (int offset = 0; offset < trampoline.Length; offset++)
        {
            flat.mov(__byte_ptr[Trampoline + offset], trampoline[offset]);
        }

        // INIT, then a start-up IPI, to all but itself.
        WriteMsr(flat, CommandRegister, 0x000C_4500);
        WriteMsr(flat, CommandRegister, 0x000C_4609);
        first(flat);
        _image = BootImageLoader.Load(
            ImageBuilder.Elf(is64: false, Bytes(flat, CodeAddress)), commandLine: "");
    }

    public static ulong WallClockStart => (ulong)MachineSpec.RtcStartDefault;

    /// <summary>A double word that vCPUs share.</summary>
    public static AssemblerMemoryOperand Word(int number) => __dword_ptr[(ushort)(Words + (4 * number))];

    public static void WriteMsr(Assembler code, uint index, uint low)
    {
        code.mov(ecx, index);
        code.mov(eax, low);
        code.xor(edx, edx);
        code.wrmsr();
    }

    /// <summary>Waits until a word has this value.</summary>
    public static void Await(Assembler code, int number, uint value)
    {
        Label wait = code.CreateLabel();
        code.Label(ref wait);
        code.cmp(Word(number), value);
        code.jne(wait);
    }

    /// <summary>Ends the VM with this word as its exit value.</summary>
    public static void End(Assembler code, int number)
    {
        code.mov(eax, Word(number));
        code.@out(0xF4, eax);
        code.hlt();
    }

    public static uint ReadWord(VirtualMachine machine, int number)
    {
        byte[] bytes = new byte[4];
        machine.Memory.Read(new Gpa((ulong)Words + (4 * (ulong)number)), bytes);
        return BitConverter.ToUInt32(bytes);
    }

    public static VirtualMachine Copy(VirtualMachine machine) => VirtualMachine.Restore(
        machine.Spec,
        machine.Save(),
        Enumerable.Range(0, machine.Memory.PageCount)
            .Select(page => (page, (ReadOnlyMemory<byte>)machine.Memory.Page(page).ToArray())));

    public VirtualMachine Start(HostVendor vendor = HostVendor.Intel) => VirtualMachine.Create(
        new MachineSpec(_vcpus, MemoryBytes: 4 << 20, HypercallPatchPolicy.Auto, _turnTicks),
        CpuidPlacement.OfAll(CpuidVetting.CutToEngine(TestCpuid.Table), _vcpus),
        vendor,
        _image);

    public VirtualMachine Run(HostVendor vendor = HostVendor.Intel)
    {
        VirtualMachine machine = Start(vendor);
        _ = machine.RunSlice(new SliceLimits(Enough, () => false));
        return machine;
    }

    private static void EnableApic(Assembler code)
    {
        code.mov(ecx, X2ApicBase);
        code.rdmsr();
        code.or(eax, 0xC00);
        code.wrmsr();
        WriteMsr(code, SpuriousVector, 0x1FF);
    }

    private static byte[] Bytes(Assembler assembler, uint at)
    {
        MemoryStream bytes = new();
        _ = assembler.Assemble(new StreamCodeWriter(bytes), at);
        return bytes.ToArray();
    }
}
