// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.State;

/// <summary>A segment register with its hidden part.</summary>
/// <param name="Attributes">Access rights as VMX lays them out: type 3:0, S 4, DPL 6:5, P 7, AVL 12, L 13, D/B 14, G
/// 15, unusable 16. Source: Intel SDM vol. 3C, section 25.4.1 "Guest Register State".</param>
/// <param name="Limit">In bytes, granularity already applied.</param>
public readonly record struct SegmentState(ushort Selector, ulong Base, uint Limit, uint Attributes);
