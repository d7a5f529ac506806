// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>Whether a guest with a table can run on a host.</summary>
public enum CpuidVerdict
{
    /// <summary>The host has all that the table promises.</summary>
    Ok = 0,

    /// <summary>The host lacks something that the guest has never looked at, and that was allowed.</summary>
    OkWithLoss = 1,

    /// <summary>The host lacks something that the guest may rely on.</summary>
    Refused = 2,
}
