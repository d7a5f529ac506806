// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;
using KvmActors.Cpu.Tests.Execute;

namespace KvmActors.Cpu.Tests.Robustness;

/// <summary>A guest of chance: a mode, tables that are right or garbage, and garbage as code.</summary>
internal static class GarbageGuest
{
    public const ulong MemoryBytes = 2 << 20;
    public const ulong CodeStart = 0x1_0000;
    public const int CodeBytes = 0x4000;

    private const ulong PageDirectory32 = 0x10_5000;
    private const ulong PagePointersPae = 0x10_6000;
    private const uint Paging = 1u << 31;
    private const ulong ControlOfSimd = 0x600;

    /// <summary>The modes, and each of these with privilege 0 and 3 where there is one.</summary>
    private static readonly CpuMode[] s_modes = Enum.GetValues<CpuMode>();

    /// <summary>The mode of a seed: they come in turn.</summary>
    public static CpuMode ModeOf(int seed) => s_modes[seed % s_modes.Length];

    /// <summary>Memory and state of the guest of this seed.</summary>
    public static (GuestMemory Memory, VcpuState State) Of(int seed, bool spoilsTables)
    {
        Random random = new(seed);
        CpuMode mode = ModeOf(seed);
        GuestMemory memory = new(MemoryBytes);
        WriteTables(memory, mode);
        for (int vector = 0; vector < 256; vector++)
        {
            memory.Write(new Gpa(GuestTables.HandlerOf(vector)), Handler(random, mode));
        }

        memory.Write(new Gpa(CodeStart), GarbageCode.Of(random, CodeBytes, spoilsTables || random.Next(4) == 0));
        byte[] data = new byte[0x4000];
        random.NextBytes(data);
        memory.Write(new Gpa(0x6_0000), data);
        if (spoilsTables)
        {
            GarbageTables.Spoil(random, memory, PageDirectory32);
        }

        using Vcpu vcpu = new(index: 0, memory);
        return (memory, State(random, mode, vcpu.Save()));
    }

    private static void WriteTables(GuestMemory memory, CpuMode mode)
    {
        GuestTables.WriteLong(memory);
        if (mode is CpuMode.Virtual8086 or CpuMode.Protected16 or CpuMode.Protected32)
        {
            GuestTables.WriteProtected(memory);
        }

        if (mode is CpuMode.Real16 or CpuMode.Real32)
        {
            for (int vector = 0; vector < 256; vector++)
            {
                memory.Write(new Gpa((ulong)vector * 4), BitConverter.GetBytes((uint)GuestTables.HandlerOf(vector)));
            }
        }

        // For paging without long mode: four large pages, or three of PAE over the tables of long mode.
        for (ulong entry = 0; entry < 4; entry++)
        {
            memory.Write(new Gpa(PageDirectory32 + (entry * 4)), BitConverter.GetBytes((uint)(entry << 22) | 0x87));
            GuestTables.Write64(memory, PagePointersPae + (entry * 8), (GuestTables.PageMapLevel4 + 0x2000) | 1);
        }
    }

    /// <summary>Handlers return, halt, or are garbage as well.</summary>
    private static byte[] Handler(Random random, CpuMode mode) => random.Next(8) switch
    {
        0 => [0xF4],
        1 => GarbageCode.Of(random, 16, isSystem: true),
        _ when mode >= CpuMode.Compatibility16 => random.Next(2) == 0 ? [0x48, 0xCF] : [0x58, 0x48, 0xCF],
        _ => random.Next(2) == 0 ? [0xCF] : [0x58, 0xCF],
    };

    private static VcpuState State(Random random, CpuMode mode, VcpuState reset)
    {
        bool isProtected = mode > CpuMode.Real32;
        bool isLong = mode >= CpuMode.Compatibility16;
        int privilege = mode is CpuMode.Virtual8086 || (isProtected && random.Next(2) == 0) ? 3 : 0;
        int paging = isLong ? 2 : isProtected ? random.Next(3) : 0;
        ulong cr4 = Cr4(random) | (paging == 1 ? 0x10ul : 0) | (paging == 2 ? 0x20ul : 0);
        byte[] fxSave = [.. reset.FxSave];
        random.NextBytes(fxSave.AsSpan(32, 384));
        return reset with
        {
            Gprs = [.. Enumerable.Range(0, 16).Select(index => index == 4
                ? 0x7_0000 + (ulong)random.Next(0x1000)
                : Register(random))],
            Rip = mode is CpuMode.Real16 or CpuMode.Virtual8086 or CpuMode.Real32
                ? (ulong)random.Next(0x3000)
                : CodeStart + (ulong)random.Next(0x3000),
            RFlags = Flags(random, mode),
            Cr0 = Cr0(random) | (isProtected ? 1u : 0) | (paging != 0 ? Paging : 0),
            Cr3 = isLong ? GuestTables.PageMapLevel4 : paging == 2 ? PagePointersPae : PageDirectory32,
            Cr4 = cr4,
            Efer = (isLong ? 0x500ul : 0) | (random.Next(2) == 0 ? 0x801ul : 0),
            Xcr0 = (cr4 & (1 << 18)) != 0 ? 3u : 1u,
            Gdtr = new DescriptorTableState(GuestTables.Gdt, GuestTables.GdtLimit),
            Idtr = isProtected
                ? new DescriptorTableState(GuestTables.Idt, Limit: 0xFFF)
                : new DescriptorTableState(0, Limit: 0x3FF),
            Segments = Segments(random, mode, privilege),
            DebugRegisters = DebugRegisters(random, reset.DebugRegisters),
            FxSave = [.. fxSave],
            Cpuid = random.Next(4) == 0 ? TestGuest.AllFeaturesOfAmd : TestGuest.AllFeatures,
        };
    }

    private static ulong Register(Random random) => random.Next(6) switch
    {
        0 => (ulong)random.NextInt64(),
        1 => (ulong)random.Next(-64, 64),
        2 => 0x6_0000 + (ulong)random.Next(0x4000),
        3 => CodeStart + (ulong)random.Next(CodeBytes),
        4 => (ulong)random.Next(512) << 12,
        _ => 0xFEE0_0000 + ((ulong)random.Next(64) << 4),
    };

    private static ulong Flags(Random random, CpuMode mode)
    {
        // Status, DF, IF, IOPL; now and then TF, NT, AC.
        ulong flags = 2 | ((ulong)random.Next() & 0x3ED5);
        flags &= random.Next(6) == 0 ? ulong.MaxValue : ~0x100ul;
        flags |= random.Next(6) == 0 ? (ulong)random.Next() & 0x4_4000 : 0;
        return mode == CpuMode.Virtual8086 ? flags | (1 << 17) : flags;
    }

    private static ulong Cr0(Random random)
    {
        ulong control = 0x10;
        ulong[] often = [1 << 1, 1 << 5, 1 << 16, 1 << 18];
        control |= often.Where(_ => random.Next(2) == 0).Aggregate(0ul, (sum, bit) => sum | bit);

        // EM and TS, without which the floating-point unit works.
        return control | (random.Next(8) == 0 ? 4ul : 0) | (random.Next(8) == 0 ? 8ul : 0);
    }

    private static ulong Cr4(Random random)
    {
        const ulong Some = 0x1F_0CCF & ~ControlOfSimd;
        ulong control = random.Next(4) == 0 ? (ulong)random.Next() & Some : 0;
        control |= random.Next(2) == 0 ? 1u << 18 : 0;
        return control | (random.Next(8) == 0 ? 0 : ControlOfSimd);
    }

    private static ImmutableArray<ulong> DebugRegisters(Random random, ImmutableArray<ulong> reset) =>
        random.Next(6) == 0
            ? [.. Enumerable.Range(0, 4).Select(_ => Register(random)), reset[4], 0x400 | (uint)random.Next()]
            : reset;

    private static ImmutableArray<SegmentState> Segments(Random random, CpuMode mode, int privilege)
    {
        SegmentState task = new(GuestTables.Task, GuestTables.TaskSegment, Limit: 0x67, Attributes: 0x8B);
        SegmentState noTable = new(0, 0, 0, 0x1_0000);
        SegmentState data = GuestTables.Data(privilege);
        if (mode is CpuMode.Real16 or CpuMode.Real32 or CpuMode.Virtual8086)
        {
            uint rights = mode == CpuMode.Virtual8086 ? 0xF3u : 0x93u;
            uint limit = mode == CpuMode.Real32 ? uint.MaxValue : 0xFFFF;
            SegmentState Of(ushort selector) => new(selector, (ulong)selector << 4, limit, rights);
            SegmentState code = Of((ushort)(CodeStart >> 4)) with
            {
                Limit = 0xFFFF,
                Attributes = (mode == CpuMode.Virtual8086 ? 0xF3u : 0x9Bu) | (mode == CpuMode.Real32 ? 1u << 14 : 0),
            };
            SegmentState Any() => Of((ushort)(random.Next(4) == 0 ? random.Next(0x1_0000) : random.Next(0x1000) << 4));
            return [Any(), code, Of(0), Any(), Any(), Any(), noTable, task];
        }

        SegmentState mine = mode switch
        {
            CpuMode.Protected32 or CpuMode.Compatibility32 => GuestTables.Code32(privilege),
            CpuMode.Long64 => GuestTables.Code64(privilege),
            _ => GuestTables.Code32(privilege) with { Attributes = 0x809Bu | ((uint)privilege << 5) },
        };
        return [data, mine, data, data, data, data, noTable, task];
    }
}
