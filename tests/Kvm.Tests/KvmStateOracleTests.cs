// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Globalization;
using KvmActors.Cpu;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;
using KvmActors.Cpu.State.KvmApi;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Kvm.Tests;

/// <summary>The state of an engine's vCPU is state that KVM loads: set by its ioctls, in its order, and read back, it
/// is the same. Where /dev/kvm is not usable, the test says why and does nothing.</summary>
public sealed class KvmStateOracleTests(ITestOutputHelper output)
{
    private const ulong VmTime = 5_000_000;
    private const uint FirstMtrr = 0x200;
    private const uint Tsc = 0x10;

    /// <summary>Bytes that are the kernel's, and why.</summary>
    private static readonly (KvmStructure Structure, int Offset, int Count, string Reason)[] s_kernels =
    [
        (KvmStructure.Xsave, 28, 4, "MXCSR_MASK is the host's"),
        (KvmStructure.Xsave, 464, 48, "free for software"),
        (KvmStructure.Xsave, 512, 8, "XSTATE_BV leaves out components in their initial state"),
        (KvmStructure.LocalApic, 0x30, 4, "the version register has the kernel's number of LVT entries"),
        (KvmStructure.LocalApic, 0x390, 4, "the current count runs on in real time"),
        (KvmStructure.Events, 20, 4, "which fields are valid is said anew"),
    ];

    [Theory]
    [InlineData(CpuMode.Real16)]
    [InlineData(CpuMode.Protected32)]
    [InlineData(CpuMode.Long64)]
    public void The_state_of_an_engines_vcpu_goes_into_kvm_and_comes_back_the_same(CpuMode mode)
    {
        if (KvmDevice.WhyUnusable() is { } reason)
        {
            output.WriteLine($"Skipped: {reason}");
            return;
        }

        int seed = int.TryParse(
            Environment.GetEnvironmentVariable("KVMACTORS_SEED"), CultureInfo.InvariantCulture, out int given)
            ? given
            : Environment.TickCount;
        output.WriteLine($"KVMACTORS_SEED={seed}");
        Random random = new(seed);
        using var device = KvmDevice.Open();
        CpuidTable cpuid = device.GetSupportedCpuid();
        for (int round = 0; round < 20; round++)
        {
            VcpuState state = RunSome(State(random, mode) with { Cpuid = cpuid });
            using KvmStateVcpu vcpu = new(device, cpuid);
            IReadOnlyList<uint> refused = vcpu.Set(state, VmTime);
            IReadOnlyDictionary<KvmStructure, byte[]> found =
                vcpu.Get(KvmVcpuState.Write(KvmStructure.Msrs, state, VmTime));

            Compare(state, found, refused, $"round {round} of seed {seed}");
            VcpuState read = KvmVcpuState.Read(found, state, VmTime);
            Assert.Equal(state.Gprs.AsEnumerable(), read.Gprs);
            Assert.Equal((state.Rip, state.RFlags, state.Activity), (read.Rip, read.RFlags, read.Activity));
            Assert.Equal(state.Events, read.Events);
        }
    }

    private void Compare(
        VcpuState state,
        IReadOnlyDictionary<KvmStructure, byte[]> found,
        IReadOnlyList<uint> refused,
        string where)
    {
        List<string> differences = [];
        foreach ((KvmStructure structure, byte[] bytes) in found.Where(pair => pair.Key != KvmStructure.Msrs))
        {
            byte[] expected = KvmVcpuState.Write(structure, state, VmTime);
            differences.AddRange(
                from offset in Enumerable.Range(0, expected.Length)
                where expected[offset] != bytes[offset] && !IsKernels(structure, offset)
                select $"{structure}+0x{offset:x}: set {expected[offset]:x2}, read {bytes[offset]:x2}");
        }

        Dictionary<uint, ulong> set = Msrs(KvmVcpuState.Write(KvmStructure.Msrs, state, VmTime));
        Dictionary<uint, ulong> read = Msrs(found[KvmStructure.Msrs]);
        differences.AddRange(
            from msr in set
            where msr.Key != Tsc && !refused.Contains(msr.Key) && read.GetValueOrDefault(msr.Key) != msr.Value
            select $"MSR 0x{msr.Key:x}: set {msr.Value:x}, read {read.GetValueOrDefault(msr.Key):x}");
        output.WriteLine($"MSRs refused: {string.Join(' ', refused.Select(msr => msr.ToString("x", null)))}");
        Assert.True(differences.Count == 0, $"{where}:\n{string.Join('\n', differences)}");
    }

    private static bool IsKernels(KvmStructure structure, int offset) => s_kernels.Any(
        part => part.Structure == structure && offset >= part.Offset && offset < part.Offset + part.Count);

    private static Dictionary<uint, ulong> Msrs(byte[] bytes)
    {
        Dictionary<uint, ulong> values = [];
        for (int at = 8; at < bytes.Length; at += 16)
        {
            values[BitConverter.ToUInt32(bytes, at)] = BitConverter.ToUInt64(bytes, at + 8);
        }

        return values;
    }

    /// <summary>Runs a few instructions: FLD1, FLDPI, INC, so that the state is the engine's own.</summary>
    private static VcpuState RunSome(VcpuState state)
    {
        const ulong Code = 0x1000;
        using GuestMemory memory = new(0x10_0000);
        memory.Write(new Gpa(Code), [0xD9, 0xE8, 0xD9, 0xEB, 0xFF, 0xC0, 0xFF, 0xC1, 0xEB, 0xFA]);
        for (ulong entry = 0; entry < 3; entry++)
        {
            // Four levels down to one large page.
            ulong[] values = [0x3000 | 3, 0x4000 | 3, 0x83];
            memory.Write(new Gpa(0x2000 + (entry * 0x1000)), BitConverter.GetBytes(values[entry]));
        }

        using Vcpu vcpu = new(index: 0, memory);
        vcpu.Restore(state);
        _ = vcpu.Run(budget: 40, VmTime);
        return vcpu.Save();
    }

    private static VcpuState State(Random random, CpuMode mode)
    {
        using GuestMemory memory = new(GuestMemory.PageBytes);
        using Vcpu vcpu = new(index: 0, memory);
        VcpuState reset = vcpu.Save();
        bool isReal = mode == CpuMode.Real16;
        bool isLong = mode == CpuMode.Long64;
        ulong Any() => (ulong)random.NextInt64(long.MinValue, long.MaxValue);
        byte[] fxSave = [.. reset.FxSave];
        random.NextBytes(fxSave.AsSpan(160, 256));
        SegmentState data = new(0x10, 0, uint.MaxValue, 0xC093);
        SegmentState code = new(0x08, 0, uint.MaxValue, isLong ? 0xA09Bu : 0xC09B);
        SegmentState none = new(0, 0, 0, 0x1_0000);
        ImmutableArray<SegmentState> flat =
            [data, code, data, data, data, data, none, new SegmentState(0x18, 0, 0x67, 0x8B)];
        return reset with
        {
            Gprs = [.. Enumerable.Range(0, 16).Select(_ => Any())],
            Rip = 0x1000,
            RFlags = 2 | (Any() & 0xCD5),
            Segments = isReal
                ? reset.Segments.SetItem((int)SegmentName.Cs, new SegmentState(0, 0, 0xFFFF, 0x9B))
                : flat,
            Gdtr = new DescriptorTableState(0x5000, 0x1F),
            Idtr = new DescriptorTableState(0x6000, 0xFFF),
            Cr0 = isLong ? 0x8005_0033u : isReal ? 0x10u : 0x11u,
            Cr2 = Any(),
            Cr3 = 0x2000,
            Cr4 = isLong ? 0x6A0u : 0x600u,
            Efer = isLong ? 0xD01u : 0u,
            Xcr0 = 3,
            DebugRegisters = [0x1000, 0x2000, 0x3000, 0x4000, 0xFFFF_0FF0, 0x400],
            FxSave = [.. fxSave],
        };
    }
}
