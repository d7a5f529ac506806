// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Globalization;
using Iced.Intel;
using KvmActors.Cpu.Float;
using KvmActors.Cpu.Tests.Silicon;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Cpu.Tests.Float;

/// <summary>Our arithmetic of 32 and 64 bits against the host's SSE, bit for bit, flags included.</summary>
/// <remarks>KVMACTORS_SEED repeats a run; KVMACTORS_FLOAT_CASES is the number of cases an operation.</remarks>
public sealed class FloatSiliconTests(ITestOutputHelper output)
{
    private const int CasesDefault = 5_000;
    private const ulong OrderFlags = 0x45; // ZF, PF, CF

    [Fact]
    public void Every_operation_gives_what_the_hosts_SSE_gives()
    {
        using var native = NativeCpu.TryCreate(out string whyNot);
        if (native is null)
        {
            output.WriteLine($"Not run: {whyNot}.");
            return;
        }

        int seed = Number("KVMACTORS_SEED", Environment.TickCount);
        int cases = Number("KVMACTORS_FLOAT_CASES", CasesDefault);
        output.WriteLine($"KVMACTORS_SEED={seed}");
        List<string> failures = [];
        foreach (FloatCase operation in FloatCases.All)
        {
            Random random = new(unchecked((seed * 31) + operation.Name.Sum(letter => letter)));
            for (int index = 0; index < cases; index++)
            {
                if (Difference(native, operation, random) is { } difference)
                {
                    failures.Add($"{operation}, case {index}: {difference}");
                    break;
                }
            }
        }

        output.WriteLine($"{FloatCases.All.Count} operations, {cases} cases each.");
        Assert.True(failures.Count == 0, $"KVMACTORS_SEED={seed}\n{string.Join('\n', failures)}");
    }

    private static string? Difference(NativeCpu native, FloatCase operation, Random random)
    {
        ulong a = Operand(operation.From, random);
        ulong b = operation.From switch
        {
            32 => EdgyFloat.Beside<SingleFormat>(random, a),
            64 => EdgyFloat.Beside<DoubleFormat>(random, a),
            _ => 0,
        };

        // All exceptions masked: rounding, FTZ and DAZ are chance.
        int modes = (random.Next(4) << 13) | (random.Next(2) << 15) | (random.Next(2) << 6);
        uint mxcsr = 0x1F80u | (uint)modes;
        SiliconResult host = Execute(native, operation.Code, a, b, mxcsr);
        var context = FloatContext.FromMxcsr(mxcsr);
        ulong found = operation.Compute(a, b, ref context);
        ulong expected = Expected(host, operation.To);
        uint flags = FxStateImage.MxcsrOf(host.FxState) & 63;
        return found == expected && flags == (uint)context.Flags
            ? null
            : $"{a:x} and {b:x} with MXCSR {mxcsr:x}: expected {expected:x} {(FloatFlags)flags}, "
                + $"found {found:x} {context.Flags}";
    }

    private static ulong Operand(int bits, Random random) => bits switch
    {
        32 => EdgyFloat.Next<SingleFormat>(random),
        64 => EdgyFloat.Next<DoubleFormat>(random),
        _ => EdgyNumber.Next(random),
    };

    private static ulong Expected(SiliconResult host, FloatResult to)
    {
        ulong xmm = BinaryPrimitives.ReadUInt64LittleEndian(FxStateImage.XmmOf(host.FxState, 0));
        return to switch
        {
            FloatResult.Xmm32 => (uint)xmm,
            FloatResult.Xmm64 => xmm,
            FloatResult.Rax32 => (uint)host.Gprs[0],
            FloatResult.Rax64 => host.Gprs[0],
            _ => host.RFlags & OrderFlags,
        };
    }

    private static SiliconResult Execute(NativeCpu native, byte[] code, ulong a, ulong b, uint mxcsr)
    {
        ulong[] gprs = new ulong[16];
        gprs[1] = a;
        gprs[4] = native.Base + SiliconLayout.Stack;
        byte[] image = FxStateImage.Initial();
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(FxStateImage.Mxcsr), mxcsr);
        BinaryPrimitives.WriteUInt64LittleEndian(FxStateImage.XmmOf(image, 0), a);
        BinaryPrimitives.WriteUInt64LittleEndian(FxStateImage.XmmOf(image, 1), b);
        return native.Execute(new SiliconCase
        {
            Instructions = [Instruction.Create(Code.Nopd)],
            Bits = 64,
            Bytes = code,
            Address = native.Base + SiliconLayout.Code,
            Gprs = gprs,
            RFlags = 0x202,
            Data = new byte[SiliconLayout.DataBytes],
            Stack = new byte[SiliconLayout.StackBytes],
            FxState = image,
            UndefinedFlags = 0,
        });
    }

    private static int Number(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out int number)
            ? number
            : otherwise;
}
