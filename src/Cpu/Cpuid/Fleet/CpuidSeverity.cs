// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>How bad a finding is.</summary>
public enum CpuidSeverity
{
    /// <summary>Good to know; nothing need be done.</summary>
    Note,

    /// <summary>Software may be misled.</summary>
    Warning,

    /// <summary>No processor says that, or KVM refuses the table.</summary>
    Error,
}
