// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>Whether the hosts of a baseline may be of several vendors.</summary>
public enum CpuidVendorPolicy
{
    /// <summary>All of one vendor; else the baseline is refused.</summary>
    OneVendor = 0,

    /// <summary>Of any: features that only one vendor has are given up.</summary>
    CrossVendor = 1,
}
