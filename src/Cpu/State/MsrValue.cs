// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.State;

/// <summary>One model-specific register.</summary>
public readonly record struct MsrValue(uint Index, ulong Value);
