// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu;

/// <summary>A guest virtual address (GVA) after segmentation: what Intel calls a linear address.</summary>
public readonly record struct Gva(ulong Value)
{
    public override string ToString() => $"GVA 0x{Value:x}";
}
