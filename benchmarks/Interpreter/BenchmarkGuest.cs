// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using Iced.Intel;
using KvmActors.Cpu;
using KvmActors.Cpu.Cpuid.Models;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Benchmarks.Interpreter;

/// <summary>64 MiB in pages of 4 KiB, mapped one to one, and a vCPU in 64-bit mode at privilege 0.</summary>
internal sealed class BenchmarkGuest : IDisposable
{
    /// <summary>Instructions of one run, as many as a VM gives between two looks at the world.</summary>
    private const ulong RunInstructions = 50_000;

    private const ulong MemoryBytes = 64 << 20;
    private const ulong PageMapLevel4 = 0x1000;
    private const ulong PagePointers = 0x2000;
    private const ulong PageDirectory = 0x3000;
    private const ulong PageTables = 0x1_0000;
    private const ulong Code = 0x40_0000;
    private const ulong StackTop = 0x60_0000;
    private const ulong PresentWritable = 3;
    private const ulong LargePageBytes = 2 << 20;
    private const int CodeRights = 0xA09B;
    private const int DataRights = 0xC093;

    private readonly GuestMemory _memory = new(MemoryBytes);
    private readonly Vcpu _vcpu;
    private readonly VcpuState _start;

    public BenchmarkGuest(GuestProgram program, EngineChoice engine)
    {
        WritePageTables();
        Assembler assembler = new(bitness: 64);
        program.Emit(assembler);
        using MemoryStream code = new();
        _ = assembler.Assemble(new StreamCodeWriter(code), Code);
        _memory.Write(new Gpa(Code), code.ToArray());
        _vcpu = new Vcpu(index: 0, _memory, new EngineOptions { Choice = engine });
        _start = Start(_vcpu.Save());
    }

    /// <summary>Runs the program from its start to its halt.</summary>
    /// <returns>Its result, and how many instructions it took.</returns>
    /// <exception cref="InvalidOperationException">It does something else than to halt.</exception>
    public (ulong Result, ulong Instructions) Run()
    {
        _vcpu.Restore(_start);
        VmExit exit;
        do
        {
            exit = _vcpu.Run(RunInstructions, _vcpu.InstructionsRetired);
        }
        while (exit is VmExit.BudgetSpent);
        return exit is VmExit.Halted
            ? (_vcpu.ReadGpr(Gpr.Rax), _vcpu.InstructionsRetired)
            : throw new InvalidOperationException($"Expected the program to halt, found {exit}.");
    }

    public void Dispose()
    {
        _vcpu.Dispose();
        _memory.Dispose();
    }

    private static VcpuState Start(VcpuState reset)
    {
        SegmentState data = new(Selector: 0x10, Base: 0, Limit: uint.MaxValue, DataRights);
        SegmentState code = new(Selector: 0x08, Base: 0, Limit: uint.MaxValue, CodeRights);
        return reset with
        {
            Gprs = reset.Gprs.SetItem((int)Gpr.Rsp, StackTop),
            Rip = Code,
            Cr0 = 0x8001_0011,
            Cr3 = PageMapLevel4,
            Cr4 = 0x20,
            Efer = 0x500,
            Segments = [data, code, data, data, data, data, reset.Segments[6], reset.Segments[7]],
            Cpuid = CpuidModels.All[0].Table,
        };
    }

    private void WritePageTables()
    {
        Write64(PageMapLevel4, PagePointers | PresentWritable);
        Write64(PagePointers, PageDirectory | PresentWritable);
        for (ulong table = 0; table < MemoryBytes / LargePageBytes; table++)
        {
            Write64(PageDirectory + (table * 8), (PageTables + (table * GuestMemory.PageBytes)) | PresentWritable);
        }

        for (ulong page = 0; page < MemoryBytes / GuestMemory.PageBytes; page++)
        {
            Write64(PageTables + (page * 8), (page * GuestMemory.PageBytes) | PresentWritable);
        }
    }

    private void Write64(ulong address, ulong value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        _memory.Write(new Gpa(address), bytes);
    }
}
