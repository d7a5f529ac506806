// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Fpu;

namespace KvmActors.Cpu.Execute.Operations;

/// <summary>Every instruction that is executed by a general operation chosen by its mnemonic alone.</summary>
internal static class GeneralInstructions
{
    public static InstructionTable Table { get; } = Build();

    private static InstructionTable Build()
    {
        InstructionTable table = new();
        ArithmeticOperations.Register(table);
        BitFieldOperations.Register(table);
        BitScanOperations.Register(table);
        BitTestOperations.Register(table);
        BranchOperations.Register(table);
        CarryChainOperations.Register(table);
        ControlRegisterOperations.Register(table);
        DecimalOperations.Register(table);
        ExchangeOperations.Register(table);
        FastCallOperations.Register(table);
        FlagOperations.Register(table);
        FpuInstructions.Register(table);
        InterruptOperations.Register(table);
        InvalidationOperations.Register(table);
        MsrOperations.Register(table);
        PortOperations.Register(table);
        ProcessorOperations.Register(table);
        RandomOperations.Register(table);
        ReturnOperations.Register(table);
        SegmentOperations.Register(table);
        SelectorOperations.Register(table);
        StackOperations.Register(table);
        StringOperations.Register(table);
        SystemTables.Register(table);
        TableLookupOperations.Register(table);
        return table;
    }
}
