// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Float;

namespace KvmActors.Cpu.Tests.Float;

/// <summary>Each operation on 32 and 64 bits with the SSE instruction that does the same.</summary>
internal static class FloatCases
{
    // ModRM for xmm0 and xmm1; for RAX and xmm0; for xmm0 and RCX.
    private const byte Xmm = 0xC1;
    private const byte ToRax = 0xC0;
    private const byte FromRcx = 0xC1;

    public static IReadOnlyList<FloatCase> All { get; } = [.. Arithmetic(), .. Orders(), .. Integers(), .. Others()];

    private static FloatCase[] Arithmetic() =>
    [
        new("ADDSS", [0xF3, 0x0F, 0x58, Xmm], 32, FloatResult.Xmm32, Of(Float32.Add)),
        new("SUBSS", [0xF3, 0x0F, 0x5C, Xmm], 32, FloatResult.Xmm32, Of(Float32.Subtract)),
        new("MULSS", [0xF3, 0x0F, 0x59, Xmm], 32, FloatResult.Xmm32, Of(Float32.Multiply)),
        new("DIVSS", [0xF3, 0x0F, 0x5E, Xmm], 32, FloatResult.Xmm32, Of(Float32.Divide)),
        new("ADDSD", [0xF2, 0x0F, 0x58, Xmm], 64, FloatResult.Xmm64, Float64.Add),
        new("SUBSD", [0xF2, 0x0F, 0x5C, Xmm], 64, FloatResult.Xmm64, Float64.Subtract),
        new("MULSD", [0xF2, 0x0F, 0x59, Xmm], 64, FloatResult.Xmm64, Float64.Multiply),
        new("DIVSD", [0xF2, 0x0F, 0x5E, Xmm], 64, FloatResult.Xmm64, Float64.Divide),
        new("SQRTSS", [0xF3, 0x0F, 0x51, ToRax], 32, FloatResult.Xmm32,
            (a, _, ref context) => Float32.SquareRoot((uint)a, ref context)),
        new("SQRTSD", [0xF2, 0x0F, 0x51, ToRax], 64, FloatResult.Xmm64,
            (a, _, ref context) => Float64.SquareRoot(a, ref context)),
    ];

    private static FloatCase[] Orders() =>
    [
        new("UCOMISS", [0x0F, 0x2E, Xmm], 32, FloatResult.Flags,
            (a, b, ref context) => Flags(Float32.Compare((uint)a, (uint)b, ref context, signalsQuiet: false))),
        new("COMISS", [0x0F, 0x2F, Xmm], 32, FloatResult.Flags,
            (a, b, ref context) => Flags(Float32.Compare((uint)a, (uint)b, ref context, signalsQuiet: true))),
        new("UCOMISD", [0x66, 0x0F, 0x2E, Xmm], 64, FloatResult.Flags,
            (a, b, ref context) => Flags(Float64.Compare(a, b, ref context, signalsQuiet: false))),
        new("COMISD", [0x66, 0x0F, 0x2F, Xmm], 64, FloatResult.Flags,
            (a, b, ref context) => Flags(Float64.Compare(a, b, ref context, signalsQuiet: true))),
    ];

    private static FloatCase[] Integers() =>
    [
        new("CVTSS2SI EAX", [0xF3, 0x0F, 0x2D, ToRax], 32, FloatResult.Rax32,
            (a, _, ref context) => (uint)Float32.ToInt32((uint)a, ref context)),
        new("CVTSS2SI RAX", [0xF3, 0x48, 0x0F, 0x2D, ToRax], 32, FloatResult.Rax64,
            (a, _, ref context) => (ulong)Float32.ToInt64((uint)a, ref context)),
        new("CVTSD2SI EAX", [0xF2, 0x0F, 0x2D, ToRax], 64, FloatResult.Rax32,
            (a, _, ref context) => (uint)Float64.ToInt32(a, ref context)),
        new("CVTSD2SI RAX", [0xF2, 0x48, 0x0F, 0x2D, ToRax], 64, FloatResult.Rax64,
            (a, _, ref context) => (ulong)Float64.ToInt64(a, ref context)),
        new("CVTSI2SS ECX", [0xF3, 0x0F, 0x2A, FromRcx], 0, FloatResult.Xmm32,
            (a, _, ref context) => Float32.FromInt32((int)a, ref context)),
        new("CVTSI2SS RCX", [0xF3, 0x48, 0x0F, 0x2A, FromRcx], 0, FloatResult.Xmm32,
            (a, _, ref context) => Float32.FromInt64((long)a, ref context)),
        new("CVTSI2SD ECX", [0xF2, 0x0F, 0x2A, FromRcx], 0, FloatResult.Xmm64,
            (a, _, ref context) => Float64.FromInt32((int)a, ref context)),
        new("CVTSI2SD RCX", [0xF2, 0x48, 0x0F, 0x2A, FromRcx], 0, FloatResult.Xmm64,
            (a, _, ref context) => Float64.FromInt64((long)a, ref context)),
    ];

    private static FloatCase[] Others() =>
    [
        new("CVTSS2SD", [0xF3, 0x0F, 0x5A, ToRax], 32, FloatResult.Xmm64,
            (a, _, ref context) => Float32.ToFloat64((uint)a, ref context)),
        new("CVTSD2SS", [0xF2, 0x0F, 0x5A, ToRax], 64, FloatResult.Xmm32,
            (a, _, ref context) => Float64.ToFloat32(a, ref context)),
        new("ROUNDSS", [0x66, 0x0F, 0x3A, 0x0A, ToRax, 4], 32, FloatResult.Xmm32,
            (a, _, ref context) => Float32.RoundToInteger((uint)a, ref context)),
        new("ROUNDSD", [0x66, 0x0F, 0x3A, 0x0B, ToRax, 4], 64, FloatResult.Xmm64,
            (a, _, ref context) => Float64.RoundToInteger(a, ref context)),
    ];

    private delegate uint SingleFunction(uint a, uint b, ref FloatContext context);

    private static FloatFunction Of(SingleFunction function) =>
        (a, b, ref context) => function((uint)a, (uint)b, ref context);

    private static ulong Flags(FloatOrder order) => order switch
    {
        FloatOrder.Less => 1,
        FloatOrder.Equal => 0x40,
        FloatOrder.Greater => 0,
        _ => 0x45,
    };
}
