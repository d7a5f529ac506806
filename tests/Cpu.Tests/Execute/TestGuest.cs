// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using Iced.Intel;
using KvmActors.Cpu.Apic;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Execute;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;
using KvmActors.Cpu.Translate;

namespace KvmActors.Cpu.Tests.Execute;

/// <summary>A small guest: memory, tables, one vCPU, and a program written with Iced's assembler.</summary>
internal sealed class TestGuest : IDisposable
{
    public const ulong CodeStart = 0x1_0000;
    public const ulong StackTop = 0x7_0000;
    public const ulong DataStart = 0x20_0000;
    public const ulong Plenty = 1_000_000;

    private const ulong MemoryBytes = 4ul << 20;

    private TestGuest(GuestMemory memory)
        : this(memory, new Vcpu(index: 0, memory))
    {
    }

    private TestGuest(GuestMemory memory, Vcpu vcpu)
    {
        Memory = memory;
        Vcpu = vcpu;
    }

    /// <summary>Every feature the engine executes.</summary>
    public static CpuidTable AllFeatures { get; } = BuildAllFeatures(vendor: "GenuineIntel");

    public static CpuidTable AllFeaturesOfAmd { get; } = BuildAllFeatures(vendor: "AuthenticAMD");

    public GuestMemory Memory { get; }

    public Vcpu Vcpu { get; }

    public ulong this[Gpr register]
    {
        get => Vcpu.ReadGpr(register);
        set => Vcpu.WriteGpr(register, value);
    }

    /// <summary>64-bit mode with paging, at a privilege of 0 or 3.</summary>
    public static TestGuest Long(Action<Assembler> program, int privilege = 0, ulong memoryBytes = MemoryBytes)
    {
        TestGuest guest = new(new GuestMemory(memoryBytes));
        GuestTables.WriteLong(guest.Memory);
        guest.Assemble(64, program);
        guest.Vcpu.Restore(LongState(guest.Vcpu.Save(), privilege));
        return guest;
    }

    /// <summary>64-bit mode without a program, in an engine of its own.</summary>
    /// <param name="hotEntries">Entries before a block is translated; null for the interpreter alone.</param>
    /// <param name="codeBytes">Bound on host code.</param>
    public static TestGuest LongWith(
        int? hotEntries, int codeBytes = TranslatorTier.CodeBytesMax, int privilege = 0)
    {
        GuestMemory memory = new(MemoryBytes);
        TranslatorTier? tier = hotEntries is { } entries ? new TranslatorTier(entries, codeBytes) : null;
        TestGuest guest = new(memory, new Vcpu(index: 0, memory, tier));
        GuestTables.WriteLong(guest.Memory);
        guest.Vcpu.Restore(LongState(guest.Vcpu.Save(), privilege));
        return guest;
    }

    /// <summary>32-bit protected mode without paging.</summary>
    public static TestGuest Protected(Action<Assembler> program, int privilege = 0)
    {
        TestGuest guest = new(new GuestMemory(MemoryBytes));
        GuestTables.WriteProtected(guest.Memory);
        guest.Assemble(32, program);
        VcpuState state = LongState(guest.Vcpu.Save(), privilege);
        ImmutableArray<SegmentState> segments =
            state.Segments.SetItem((int)SegmentName.Cs, GuestTables.Code32(privilege));
        guest.Vcpu.Restore(state with { Cr0 = 0x11, Cr4 = 0, Efer = 0, Segments = segments });
        return guest;
    }

    /// <summary>Real mode with all segments at 0 and the code at <see cref="CodeStart"/> / 16.</summary>
    public static TestGuest Real(Action<Assembler> program)
    {
        TestGuest guest = new(new GuestMemory(MemoryBytes));
        Assembler assembler = new(16);
        program(assembler);
        guest.Load(assembler, rip: 0, at: CodeStart);
        VcpuState state = guest.Vcpu.Save();
        SegmentState code = new(Selector: (ushort)(CodeStart >> 4), CodeStart, Limit: 0xFFFF, Attributes: 0x9B);
        guest.Vcpu.Restore(state with
        {
            Rip = 0,
            Cr0 = 0x10,
            Gprs = state.Gprs.SetItem((int)Gpr.Rsp, 0x7000),
            Segments = state.Segments.SetItem((int)SegmentName.Cs, code),
            Cpuid = AllFeatures,
        });
        return guest;
    }

    public void Assemble(int bitness, Action<Assembler> program)
    {
        Assembler assembler = new(bitness);
        program(assembler);
        Load(assembler, CodeStart, CodeStart);
    }

    /// <summary>Puts more code somewhere.</summary>
    public void Put(Assembler assembler, ulong address) => Load(assembler, address, address);

    public VmExit Run(ulong budget = Plenty)
    {
        ulong end = Vcpu.InstructionsRetired + budget;
        VmExit exit;
        do
        {
            exit = Vcpu.Run(end - Vcpu.InstructionsRetired, vmTime: Vcpu.InstructionsRetired);
        }
        while (exit is VmExit.DeadlineChanged);
        return exit;
    }

    /// <summary>Changes the state the vCPU is in.</summary>
    public void Change(Func<VcpuState, VcpuState> change) => Vcpu.Restore(change(Vcpu.Save()));

    /// <summary>As an operating system leaves it: the local APIC takes interrupts.</summary>
    public void EnableApic()
    {
        const int SpuriousVector = 0xF0;
        Change(state => state with
        {
            Apic = state.Apic with { Registers = state.Apic.Registers.SetItem(SpuriousVector + 1, 1) },
        });
    }

    /// <summary>An edge-triggered interrupt arrives at the local APIC.</summary>
    public bool Interrupt(byte vector) => Vcpu.TryReceive(new InterruptMessage(
        vector,
        DeliveryMode.Fixed,
        IsLogical: false,
        Destination: 0,
        DestinationShorthand.None,
        IsLevel: false,
        IsAsserted: true,
        IsWide: false));

    public ulong Read64(ulong address) => GuestTables.Read64(Memory, address);

    public void Write64(ulong address, ulong value) => GuestTables.Write64(Memory, address, value);

    public void Dispose()
    {
        Vcpu.Dispose();
        Memory.Dispose();
    }

    private static VcpuState LongState(VcpuState reset, int privilege) => reset with
    {
        Gprs = reset.Gprs.SetItem((int)Gpr.Rdx, 0).SetItem((int)Gpr.Rsp, StackTop),
        Rip = CodeStart,
        Cr0 = 0x8001_0011,
        Cr3 = GuestTables.PageMapLevel4,
        Cr4 = 0x20,
        Efer = 0xD01,
        Gdtr = new DescriptorTableState(GuestTables.Gdt, GuestTables.GdtLimit),
        Idtr = new DescriptorTableState(GuestTables.Idt, Limit: 0xFFF),
        Segments =
        [
            GuestTables.Data(privilege),
            GuestTables.Code64(privilege),
            GuestTables.Data(privilege),
            GuestTables.Data(privilege),
            GuestTables.Data(privilege),
            GuestTables.Data(privilege),
            new SegmentState(0, 0, 0, 0x1_0000),
            new SegmentState(GuestTables.Task, GuestTables.TaskSegment, Limit: 0x67, Attributes: 0x8B),
        ],
        Cpuid = AllFeatures,
    };

    private static CpuidTable BuildAllFeatures(string vendor)
    {
        Dictionary<(uint Leaf, uint Subleaf), uint[]> leaves = [];
        foreach (Cpu.Cpuid.Names.CpuidFeature feature in EngineFeatures.Current.Executed)
        {
            (uint, uint) key = (feature.Leaf, feature.Subleaf);
            leaves.TryAdd(key, new uint[4]);
            leaves[key][(int)feature.Register] |= 1u << feature.Bit;
        }

        byte[] name = System.Text.Encoding.ASCII.GetBytes(vendor);
        leaves[(0, 0)] =
        [
            0x16, BitConverter.ToUInt32(name, 0), BitConverter.ToUInt32(name, 8), BitConverter.ToUInt32(name, 4),
        ];
        leaves[(0xD, 0)] = [(uint)EngineFeatures.Current.Xcr0, 576, 576, 0];
        leaves[(0x8000_0000, 0)] = [0x8000_0021, 0, 0, 0];
        leaves[(0x8000_0008, 0)] = [0x3028, 0, 0, 0];
        return CpuidTable.Of(
            from leaf in leaves
            orderby leaf.Key
            select new CpuidEntry(
                leaf.Key.Leaf,
                leaf.Key.Subleaf,
                CpuidEntryFlags.SignificantIndex,
                leaf.Value[0],
                leaf.Value[1],
                leaf.Value[2],
                leaf.Value[3]));
    }

    private void Load(Assembler assembler, ulong rip, ulong at)
    {
        using MemoryStream code = new();
        assembler.Assemble(new StreamCodeWriter(code), rip);
        Memory.Write(new Gpa(at), code.ToArray());
    }
}
