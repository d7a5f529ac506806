// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Decode;

namespace KvmActors.Cpu.Execute.Fpu;

/// <summary>Every x87 instruction, and those that save and restore extended state.</summary>
internal static class FpuInstructions
{
    public static void Register(InstructionTable table)
    {
        FpuArithmeticOperations.Register(table);
        FpuCompareOperations.Register(table);
        FpuControlOperations.Register(table);
        FpuEnvironmentOperations.Register(table);
        FpuLoadOperations.Register(table);
        FpuMoveOperations.Register(table);
        FpuStoreOperations.Register(table);
        FpuTranscendentalOperations.Register(table);
        FpuUnaryOperations.Register(table);
        FxSaveOperations.Register(table);
        XrstorOperations.Register(table);
        XsaveOperations.Register(table);
    }
}
