// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using KvmActors.Cpu.Cpuid.Vetting;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;
using KvmActors.Cpu.Tests.Cpuid;

namespace KvmActors.Cpu.Tests.Silicon;

/// <summary>Executes single instructions in the engine at CPL 3, the block where the host has it.</summary>
internal sealed class EngineCpu : IDisposable
{
    private const ulong PageMapRoot = 0x1000;
    private const ulong BlockPhysical = 0x10_0000;
    private const ulong PageFlags = 0x67; // present, writable, user, accessed, dirty
    private const int RepetitionsMax = 64;

    private readonly GuestMemory _memory = new(2ul << 20);
    private readonly Vcpu _vcpu;
    private readonly VcpuState _template;
    private readonly ulong _base;

    private readonly CpuMode _mode;

    /// <param name="blockBase">Linear address of the block in the host.</param>
    /// <param name="mode">Long64; or, with paging, Compatibility32 or Compatibility16; or, without, by segments with
    /// a base, Protected32, Protected16 or Real16.</param>
    public EngineCpu(ulong blockBase, CpuMode mode)
    {
        _base = blockBase;
        _mode = mode;
        MapBlock();
        _vcpu = new Vcpu(0, _memory);
        _template = UserMode(_vcpu.Save());
    }

    public void Dispose()
    {
        _vcpu.Dispose();
        _memory.Dispose();
    }

    /// <summary>The result, or why there is none.</summary>
    public (SiliconResult? Result, string Failure) Execute(SiliconCase instruction)
    {
        Begin(instruction);

        // One iteration of a repeated instruction counts one, and leaves RIP where it is.
        for (int repetition = 0; repetition < RepetitionsMax; repetition++)
        {
            VmExit exit = _vcpu.Run(budget: 1, vmTime: 0);
            if (exit is not VmExit.BudgetSpent)
            {
                return (null, $"expected one retired instruction, found {exit}");
            }

            if (_vcpu.Rip != instruction.Address)
            {
                return (ResultWithFxState(instruction), "");
            }
        }

        return (null, $"expected at most {RepetitionsMax} repetitions, found more");
    }

    /// <summary>The state as a fault leaves it, which nothing handles: there is no IDT.</summary>
    public (SiliconResult? Result, string Failure) ExecuteFault(SiliconCase instruction)
    {
        Begin(instruction);
        VmExit exit = _vcpu.Run(budget: 1, vmTime: 0);
        return exit is VmExit.Shutdown
            ? (ResultWithFxState(instruction), "")
            : (null, $"expected a fault, found {exit}");
    }

    private SiliconResult ResultWithFxState(SiliconCase instruction)
    {
        SiliconResult result = Result();
        return instruction.FxState is null ? result : result with { FxState = [.. _vcpu.Save().FxSave] };
    }

    private void Begin(SiliconCase instruction)
    {
        WriteCode(instruction.Address, instruction.Bytes);
        Write(_base + SiliconLayout.Data, instruction.Data);
        Write(_base + SiliconLayout.StackLow, instruction.Stack);
        _vcpu.Restore(_template with
        {
            Gprs = [.. instruction.Gprs],
            Rip = instruction.Address,
            RFlags = instruction.RFlags,
            FxSave = instruction.FxState is { } image ? [.. image] : _template.FxSave,
        });
    }

    /// <summary>Runs up to the hypercall that is put behind the code, in pieces of so many instructions.</summary>
    /// <param name="sequence">The code.</param>
    /// <param name="pieces">The budget of each piece; asked again until the end is reached.</param>
    public (SiliconResult? Result, string Failure) ExecuteRun(SiliconCase sequence, Func<ulong> pieces)
    {
        WriteCode(sequence.Address, [.. sequence.Bytes, 0x0F, 0x01, 0xC1]);
        Write(_base + SiliconLayout.Data, sequence.Data);
        Write(_base + SiliconLayout.StackLow, sequence.Stack);
        _vcpu.Restore(_template with
        {
            Gprs = [.. sequence.Gprs],
            Rip = sequence.Address,
            RFlags = sequence.RFlags,
            FxSave = sequence.FxState is { } image ? [.. image] : _template.FxSave,
        });
        VmExit exit;
        do
        {
            exit = _vcpu.Run(pieces(), vmTime: 0);
        }
        while (exit is VmExit.BudgetSpent);

        return exit is VmExit.Hypercall
            ? (ResultWithFxState(sequence), "")
            : (null, $"expected the hypercall at the end, found {exit}");
    }

    private SiliconResult Result()
    {
        ulong[] gprs = [.. Enum.GetValues<Gpr>().Select(_vcpu.ReadGpr)];
        return new SiliconResult(
            _vcpu.Rip,
            gprs,
            _vcpu.RFlags,
            Read(_base + SiliconLayout.Data, SiliconLayout.DataBytes),
            Read(_base + SiliconLayout.StackLow, SiliconLayout.StackBytes));
    }

    /// <summary>The block begins at linear address 0 in 16-bit code, whose segments begin with it.</summary>
    private ulong Origin => _mode is CpuMode.Compatibility16 or CpuMode.Protected16 or CpuMode.Real16 ? 0 : _base;

    private void WriteCode(ulong address, ReadOnlySpan<byte> bytes) =>
        _memory.Write(new Gpa(address - Origin + BlockPhysical), bytes);

    private void Write(ulong linear, ReadOnlySpan<byte> bytes) =>
        _memory.Write(new Gpa(linear - _base + BlockPhysical), bytes);

    private byte[] Read(ulong linear, int count)
    {
        byte[] bytes = new byte[count];
        _memory.Read(new Gpa(linear - _base + BlockPhysical), bytes);
        return bytes;
    }

    private void MapBlock()
    {
        ulong tableUsed = PageMapRoot;
        for (int offset = 0; offset < SiliconLayout.SizeBytes; offset += GuestMemory.PageBytes)
        {
            ulong linear = _base + (ulong)offset;
            ulong table = PageMapRoot;
            for (int level = 3; level > 0; level--)
            {
                ulong slot = table + ((linear >> (12 + (9 * level)) & 511) * 8);
                ulong entry = ReadEntry(slot);
                if (entry == 0)
                {
                    tableUsed += GuestMemory.PageBytes;
                    entry = tableUsed | PageFlags;
                    WriteEntry(slot, entry);
                }

                table = entry & ~0xFFFul;
            }

            WriteEntry(table + ((linear >> 12 & 511) * 8), (BlockPhysical + (ulong)offset) | PageFlags);
        }
    }

    private ulong ReadEntry(ulong physical)
    {
        Span<byte> bytes = stackalloc byte[8];
        _memory.Read(new Gpa(physical), bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }

    private void WriteEntry(ulong physical, ulong entry)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, entry);
        _memory.Write(new Gpa(physical), bytes);
    }

    private VcpuState UserMode(VcpuState reset)
    {
        bool isPaged = _mode is CpuMode.Long64 or CpuMode.Compatibility32 or CpuMode.Compatibility16;
        bool is16Bit = Origin == 0;
        ulong segmentBase = (is16Bit, isPaged) switch
        {
            (true, true) => _base,
            (true, false) => BlockPhysical,
            (false, true) => 0,
            (false, false) => (uint)(BlockPhysical - _base),
        };
        (uint codeRights, uint dataRights) = _mode switch
        {
            CpuMode.Long64 => (0xA0FBu, 0xC0F3u),
            CpuMode.Real16 => (0x9Bu, 0x93u),
            _ => is16Bit ? (0xFBu, 0xF3u) : (0xC0FBu, 0xC0F3u),
        };
        uint limit = is16Bit ? 0xFFFF : uint.MaxValue;
        SegmentState code = new(Selector: 0x33, segmentBase, limit, codeRights);
        SegmentState data = new(Selector: 0x2B, segmentBase, limit, dataRights);
        VcpuState common = reset with
        {
            Segments = [data, code, data, data, data, data, reset.Segments[6], reset.Segments[7]],
            Cr0 = _mode == CpuMode.Real16 ? 0x32ul : 0x33, // NE, ET, MP, PE
            Cpuid = CpuidVetting.CutToEngine(SampleTables.Epyc),
            Xcr0 = 3, // x87, SSE
        };
        return !isPaged ? common : common with
        {
            Cr0 = 0x8001_0033, // PG and WP besides
            Cr3 = PageMapRoot,
            Cr4 = 0x4_0620, // PAE, OSFXSR, OSXMMEXCPT, OSXSAVE
            Efer = 0xD01, // NXE, LMA, LME, SCE
        };
    }
}
