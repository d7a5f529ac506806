// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Execute.Simd;

/// <summary>Every instruction of MMX and of SSE to SSE4.2.</summary>
internal static class SimdInstructions
{
    public static SimdTable Table { get; } = Build();

    private static SimdTable Build()
    {
        SimdTable table = new();
        MoveInstructions.Register(table);
        PackedIntegerInstructions.Register(table);
        ShiftInstructions.Register(table);
        ShuffleInstructions.Register(table);
        ElementInstructions.Register(table);
        TextInstructions.Register(table);
        FloatInstructions.Register(table);
        ConversionInstructions.Register(table);
        ControlInstructions.Register(table);
        return table;
    }
}
