// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using KvmActors.Cpu.Cpuid.Vetting;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;
using KvmActors.Cpu.Tests.Cpuid;

namespace KvmActors.Cpu.Tests.Hypercalls;

/// <summary>A guest of one vCPU (or two) with its code at <see cref="Code"/>, and a handler of its own for each
/// exception, which halts.</summary>
internal sealed class HypercallGuest : IDisposable
{
    public const ulong Code = 0x8000;
    public const ulong CodeNext = 0x9000;

    private const ulong PageMapRoot = 0x1000;
    private const ulong PageTable = 0x4000;
    private const ulong Idt = 0x5000;
    private const ulong Gdt = 0x6000;
    private const ulong Tss = 0x6800;
    private const ulong Handlers = 0xA000;
    private const int HandlerBytes = 16;
    private const ulong StackTop = 0xF000;
    private const ulong HandlerStackTop = 0xE000;
    private const ulong Present = 1;
    private const ulong Writable = 2;
    private const ulong User = 4;

    private readonly GuestMode _mode;

    public HypercallGuest(GuestMode mode, HostVendor hostVendor, params byte[] code)
    {
        _mode = mode;
        Memory = new GuestMemory(2ul << 20);
        WriteTables();
        Memory.Write(new Gpa(Code + CodeBase), code);
        Vcpu = Start(0, hostVendor);
    }

    public GuestMemory Memory { get; }

    public Vcpu Vcpu { get; }

    /// <summary>Added to RIP for the linear address of the code.</summary>
    public ulong CodeBase => _mode is GuestMode.Protected32WithBase ? 0x1_0000ul : 0;

    public void Dispose()
    {
        Vcpu.Dispose();
        Memory.Dispose();
    }

    /// <summary>Another vCPU of the same memory, at the same code.</summary>
    public Vcpu Start(int index, HostVendor hostVendor)
    {
        Vcpu vcpu = new(index, Memory);
        vcpu.Restore(StateOf(vcpu.Save()));
        vcpu.HostVendor = hostVendor;
        return vcpu;
    }

    public byte[] Read(ulong physical, int count)
    {
        byte[] bytes = new byte[count];
        Memory.Read(new Gpa(physical), bytes);
        return bytes;
    }

    /// <summary>Makes a page read-only, or takes it away.</summary>
    public void SetPage(ulong linear, bool present, bool writable)
    {
        ulong entry = linear | (present ? Present : 0) | (writable ? Writable : 0) | User;
        Write64(PageTable + (linear >> 12 << 3), entry);
        Vcpu.Restore(Vcpu.Save());
    }

    /// <summary>Maps one page at a high linear address, through tables of its own.</summary>
    public void MapAt(ulong linear, ulong physical)
    {
        ulong table = PageMapRoot;
        ulong unused = 0x10_0000;
        for (int level = 3; level > 0; level--)
        {
            Write64(table + ((linear >> (12 + (9 * level)) & 511) * 8), unused | Present | Writable | User);
            table = unused;
            unused += 0x1000;
        }

        Write64(table + ((linear >> 12 & 511) * 8), physical | Present | Writable | User);
        Vcpu.Restore(Vcpu.Save());
    }

    public void Change(Func<VcpuState, VcpuState> change) => Vcpu.Restore(change(Vcpu.Save()));

    /// <summary>Runs to the first exit that is neither of the hypervisor's, and lists what the hypervisor
    /// did.</summary>
    public (VmExit Exit, List<HypercallOutcome> Outcomes) Run(
        HypercallPatchPolicy policy = HypercallPatchPolicy.Auto, ulong vmTime = 0)
    {
        List<HypercallOutcome> outcomes = [];
        while (true)
        {
            VmExit exit = Vcpu.Run(budget: 1000, vmTime);
            if (exit is not (VmExit.Hypercall or VmExit.InvalidOpcode) || outcomes.Count == 100)
            {
                return (exit, outcomes);
            }

            outcomes.Add(HypercallLayer.Serve(Vcpu, exit, policy, vmTime));
        }
    }

    /// <summary>The vector whose handler the guest halted in, or null if it halted elsewhere.</summary>
    public int? HaltedIn()
    {
        long offset = (long)Vcpu.LinearRip.Value - 1 - (long)Handlers;
        return offset >= 0 && offset % HandlerBytes == 0 && offset / HandlerBytes < 32
            ? (int)(offset / HandlerBytes)
            : null;
    }

    private void WriteTables()
    {
        Write64(PageMapRoot, 0x2000 | Present | Writable | User);
        Write64(0x2000, 0x3000 | Present | Writable | User);
        Write64(0x3000, PageTable | Present | Writable | User);
        for (ulong page = 0; page < 512; page++)
        {
            Write64(PageTable + (page * 8), (page << 12) | Present | Writable | User);
        }

        // 64-bit code 0x08, data 0x10, user data 0x18, user code 0x20, 32-bit code 0x28, TSS 0x40.
        Write64(Gdt + 0x08, 0x00AF_9B00_0000_FFFF);
        Write64(Gdt + 0x10, 0x00CF_9300_0000_FFFF);
        Write64(Gdt + 0x18, 0x00CF_F300_0000_FFFF);
        Write64(Gdt + 0x20, 0x00AF_FB00_0000_FFFF);
        Write64(Gdt + 0x28, 0x00CF_9B00_0000_FFFF);
        for (int vector = 0; vector < 32; vector++)
        {
            Memory.Write(new Gpa(Handlers + (ulong)(vector * HandlerBytes)), [0xF4]);
            WriteGate(vector, Handlers + (ulong)(vector * HandlerBytes));
        }

        if (_mode is GuestMode.Long64 or GuestMode.Long64User or GuestMode.Compatibility32)
        {
            Write64(Tss + 4, HandlerStackTop);
        }
        else
        {
            Write64(Tss + 4, HandlerStackTop | (0x10ul << 32)); // ESP0, SS0
        }
    }

    private void WriteGate(int vector, ulong handler)
    {
        switch (_mode)
        {
            case GuestMode.Real16:
                Span<byte> farPointer = [(byte)handler, (byte)(handler >> 8), 0, 0];
                Memory.Write(new Gpa(Idt + (ulong)(vector * 4)), farPointer);
                break;
            case GuestMode.Long64 or GuestMode.Long64User or GuestMode.Compatibility32:
                Write64(Idt + (ulong)(vector * 16), handler | (0x08ul << 16) | (0x8E00ul << 32));
                Write64(Idt + (ulong)(vector * 16) + 8, 0);
                break;
            case GuestMode.Protected32 or GuestMode.Protected32WithBase or GuestMode.Virtual8086:
                Write64(Idt + (ulong)(vector * 8), handler | (0x28ul << 16) | (0x8E00ul << 32));
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(vector));
        }
    }

    private VcpuState StateOf(VcpuState reset)
    {
        VcpuState common = reset with
        {
            Gprs = [.. Enumerable.Range(0, 16).Select(number => number == (int)Gpr.Rsp ? StackTop : 0)],
            Rip = Code,
            Idtr = new DescriptorTableState(Idt, 0xFFF),
            Gdtr = new DescriptorTableState(Gdt, 0x7F),
            Activity = VcpuActivity.Running,
            Cpuid = CpuidVetting.CutToEngine(SampleTables.Xeon),
        };
        return GuestModes.Apply(_mode, common, CodeBase, PageMapRoot, Tss);
    }

    private void Write64(ulong physical, ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        Memory.Write(new Gpa(physical), bytes);
    }
}
