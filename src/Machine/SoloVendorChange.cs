// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Hypercalls;

namespace KvmActors.Machine;

/// <summary>That the host vendor changes at a VM time: before the instruction that would be retired next
/// there.</summary>
public readonly record struct SoloVendorChange(ulong VmTime, HostVendor Vendor);
