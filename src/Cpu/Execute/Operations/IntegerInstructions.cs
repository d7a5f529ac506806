// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Decode;

namespace KvmActors.Cpu.Execute.Operations;

/// <summary>Every instruction that is executed by a general operation.</summary>
internal static class IntegerInstructions
{
    public static InstructionTable Table { get; } = Build();

    private static InstructionTable Build()
    {
        InstructionTable table = new();
        return table;
    }
}
