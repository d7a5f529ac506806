// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Cpu.State;

namespace KvmActors.Host.Debug;

/// <summary>Which registers gdb is told of, in which order: a register's number is its place here.</summary>
/// <param name="Architecture">gdb's name of the architecture.</param>
internal sealed record RegisterLayout(string Architecture, ImmutableArray<RegisterFeature> Features)
{
    private const string Core = "org.gnu.gdb.i386.core";
    private const string Sse = "org.gnu.gdb.i386.sse";
    private const string Segments = "org.gnu.gdb.i386.segments";
    private const string System = "org.kvmactors.x86.system";

    private static readonly (string Name, SegmentName Segment)[] s_selectors =
    [
        ("cs", SegmentName.Cs),
        ("ss", SegmentName.Ss),
        ("ds", SegmentName.Ds),
        ("es", SegmentName.Es),
        ("fs", SegmentName.Fs),
        ("gs", SegmentName.Gs),
    ];

    private static readonly (string Name, Gpr Register)[] s_wide =
    [
        ("rax", Gpr.Rax), ("rbx", Gpr.Rbx), ("rcx", Gpr.Rcx), ("rdx", Gpr.Rdx),
        ("rsi", Gpr.Rsi), ("rdi", Gpr.Rdi), ("rbp", Gpr.Rbp), ("rsp", Gpr.Rsp),
        ("r8", Gpr.R8), ("r9", Gpr.R9), ("r10", Gpr.R10), ("r11", Gpr.R11),
        ("r12", Gpr.R12), ("r13", Gpr.R13), ("r14", Gpr.R14), ("r15", Gpr.R15),
    ];

    private static readonly (string Name, Gpr Register)[] s_narrow =
    [
        ("eax", Gpr.Rax), ("ecx", Gpr.Rcx), ("edx", Gpr.Rdx), ("ebx", Gpr.Rbx),
        ("esp", Gpr.Rsp), ("ebp", Gpr.Rbp), ("esi", Gpr.Rsi), ("edi", Gpr.Rdi),
    ];

    /// <summary>All of a vCPU, as 64-bit code sees it.</summary>
    public static RegisterLayout X8664 { get; } = new(
        "i386:x86-64",
        [
            new(Core, [.. Gprs(s_wide, 64), .. Pointers("rip", 64), .. Selectors(), .. FloatRegisters.X87()]),
            new(Sse, [.. FloatRegisters.Sse(16)]),
            new(Segments,
            [
                SystemRegisters.Base("fs_base", SegmentName.Fs) with { Type = "int", Group = null },
                SystemRegisters.Base("gs_base", SegmentName.Gs) with { Type = "int", Group = null },
            ]),
            new(System, [.. SystemRegisters.All()]),
        ]);

    /// <summary>A vCPU as 32-bit and 16-bit code sees it: gdb then takes ELF files of 32 bits and disassembles
    /// right.</summary>
    public static RegisterLayout I386 { get; } = new(
        "i386",
        [
            new(Core, [.. Gprs(s_narrow, 32), .. Pointers("eip", 32), .. Selectors(), .. FloatRegisters.X87()]),
            new(Sse, [.. FloatRegisters.Sse(8)]),
            new(System,
            [
                SystemRegisters.Base("fs_base", SegmentName.Fs),
                SystemRegisters.Base("gs_base", SegmentName.Gs),
                .. SystemRegisters.All(),
            ]),
        ]);

    public ImmutableArray<GuestRegister> Registers { get; } =
        [.. Features.SelectMany(feature => feature.Registers)];

    /// <summary>Number of the instruction pointer, and of the stack pointer: what every stop carries.</summary>
    public ImmutableArray<int> Pressing { get; } =
    [
        .. Features[0].Registers
            .Select((register, number) => (register.Name, number))
            .Where(pair => pair.Name is "rip" or "rsp" or "eip" or "esp")
            .Select(pair => pair.number),
    ];

    /// <summary>The bytes of one register.</summary>
    public byte[] Read(VcpuState state, int number)
    {
        byte[] bytes = new byte[Registers[number].SizeBytes];
        Registers[number].Read(state, bytes);
        return bytes;
    }

    /// <summary>The bytes of all registers, one behind the other.</summary>
    public byte[] ReadAll(VcpuState state)
    {
        byte[] bytes = new byte[Registers.Sum(register => register.SizeBytes)];
        int at = 0;
        foreach (GuestRegister register in Registers)
        {
            register.Read(state, bytes.AsSpan(at, register.SizeBytes));
            at += register.SizeBytes;
        }

        return bytes;
    }

    private static IEnumerable<GuestRegister> Gprs((string Name, Gpr Register)[] names, int bits) =>
        names.Select(name => GuestRegister.Number(
            name.Name,
            bits,
            name.Register is Gpr.Rsp or Gpr.Rbp ? "data_ptr" : bits == 64 ? "int64" : "int32",
            state => state.Gprs[(int)name.Register]));

    private static IEnumerable<GuestRegister> Pointers(string name, int bits) =>
    [
        GuestRegister.Number(name, bits, "code_ptr", state => state.Rip),
        GuestRegister.Number("eflags", 32, "i386_eflags", state => state.RFlags),
    ];

    private static IEnumerable<GuestRegister> Selectors() => s_selectors.Select(pair => GuestRegister.Number(
        pair.Name, 32, "int32", state => SystemRegisters.Segment(state, pair.Segment).Selector));
}
