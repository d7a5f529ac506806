// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.State;

/// <summary>GDTR or IDTR.</summary>
public readonly record struct DescriptorTableState(ulong Base, ushort Limit);
