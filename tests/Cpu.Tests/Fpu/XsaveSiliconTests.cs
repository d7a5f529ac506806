// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Globalization;
using Iced.Intel;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Names;
using KvmActors.Cpu.State;
using KvmActors.Cpu.Tests.Silicon;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Cpu.Tests.Fpu;

/// <summary>FXSAVE, FXRSTOR, XSAVE, XSAVEOPT, XSAVEC and XRSTOR against the host's CPU, for x87 and SSE.</summary>
/// <remarks>Every component is in use, because a CPU may count one as such that is not. KVMACTORS_SEED repeats a
/// run.</remarks>
public sealed class XsaveSiliconTests(ITestOutputHelper output)
{
    private const int Cases = 1500;
    private const int AreaOffset = 192;
    private const ulong Compacted = 1ul << 63;

    private static readonly Code[] s_codes =
    [
        Code.Fxsave_m512byte, Code.Fxsave64_m512byte, Code.Fxrstor_m512byte, Code.Fxrstor64_m512byte,
        Code.Xsave_mem, Code.Xsave64_mem, Code.Xsaveopt_mem, Code.Xsaveopt64_mem, Code.Xsavec_mem, Code.Xsavec64_mem,
        Code.Xrstor_mem, Code.Xrstor64_mem,
    ];

    [Theory]
    [InlineData(CpuMode.Long64, 64)]
    [InlineData(CpuMode.Compatibility32, 32)]
    public void Saving_and_restoring_does_what_the_hosts_cpu_does(CpuMode mode, int bits)
    {
        using var native = NativeCpu.TryCreate(out string whyNot);
        bool hasXsave = HostCpuid.Read() is var host && host.Has(CpuidFeatures.Osxsave)
            && host.Has(CpuidFeatures.Xsavec) && host.Has(CpuidFeatures.Xsaveopt);
        if (native is null || !hasXsave || (bits == 32 && !native.Has32Bits()))
        {
            output.WriteLine($"Not run: {(whyNot.Length == 0 ? "no XSAVEC, or no 32-bit code" : whyNot)}.");
            return;
        }

        if (HostMaker.WhyNotCompared is { } other)
        {
            output.WriteLine($"Not run: {other}.");
            return;
        }

        int seed = int.TryParse(
            Environment.GetEnvironmentVariable("KVMACTORS_SEED"), CultureInfo.InvariantCulture, out int given)
                ? given
                : Environment.TickCount;
        output.WriteLine($"KVMACTORS_SEED={seed}");
        using EngineCpu engine = new(native.Base, mode);
        Code[] codes = [.. s_codes.Where(code => code.ToOpCode().IsAvailableInMode(bits))];
        for (int index = 0; index < Cases; index++)
        {
            Random random = new(unchecked((seed * 31) + index));
            SiliconCase made = Make(native.Base, codes[index % codes.Length], bits, random);
            SiliconResult expected = native.Execute(made);
            (SiliconResult? found, string failure) = engine.Execute(made);
            string? difference = found is null ? failure
                : FpuText.Difference(expected.FxState, found.FxState) ?? expected.DifferenceTo(found, 0)
                ?? Xmm(expected.FxState, found.FxState);
            Assert.True(difference is null, $"KVMACTORS_SEED={seed}, case {index}: {difference}\n{made}");
        }
    }

    private static SiliconCase Make(ulong blockBase, Code code, int bits, Random random)
    {
        SiliconCase x87 = new FpuCaseGenerator(blockBase, bits).Make(Code.Fnop, random);
        ulong area = (blockBase + SiliconLayout.Data + AreaOffset) & ~63ul;
        var instruction = Instruction.Create(
            code, new MemoryOperand(bits == 64 ? Register.RBX : Register.EBX));
        byte[] state = x87.FxState!;
        byte[] saved = new FpuCaseGenerator(blockBase, bits).Make(Code.Fnop, random).FxState!;
        Fill(random, state);
        Fill(random, saved);
        byte[] data = x87.Data;
        int at = (int)(area - blockBase) - SiliconLayout.Data;
        saved.CopyTo(data, at);
        bool isCompacted = code is Code.Xrstor_mem or Code.Xrstor64_mem && random.Next(2) == 0;
        Span<byte> header = data.AsSpan(at + 512, 64);
        header.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)random.Next(4));
        BinaryPrimitives.WriteUInt64LittleEndian(header[8..], isCompacted ? Compacted | 3 : 0);
        ulong[] gprs = new ulong[16];
        gprs[0] = (ulong)random.Next(4);
        gprs[3] = area;
        gprs[4] = blockBase + SiliconLayout.Stack;
        return new SiliconCase
        {
            Instructions = [instruction],
            Bits = bits,
            Bytes = CaseGenerator.Encode(instruction, x87.Address, bits)!,
            Address = x87.Address,
            Gprs = gprs,
            RFlags = 0x202,
            Data = data,
            Stack = x87.Stack,
            FxState = state,
            UndefinedFlags = 0,
        };
    }

    /// <summary>XMM registers and MXCSR.</summary>
    private static void Fill(Random random, byte[] image)
    {
        random.NextBytes(image.AsSpan(FxStateImage.Xmm, 256));
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(FxStateImage.Mxcsr), (uint)random.Next(0x10000));
    }

    private static string? Xmm(byte[] expected, byte[] found) =>
        expected.AsSpan(0, 416).SequenceEqual(found.AsSpan(0, 416)) ? null
            : $"expected XMM {Convert.ToHexString(expected.AsSpan(160, 256))}, "
                + $"found {Convert.ToHexString(found.AsSpan(160, 256))}";
}
