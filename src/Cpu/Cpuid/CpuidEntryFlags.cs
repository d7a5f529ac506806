// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid;

/// <summary>KVM_CPUID_FLAG_*; unknown bits are stored and returned unchanged.</summary>
[Flags]
public enum CpuidEntryFlags : uint
{
    None = 0,

    /// <summary>The subleaf (ECX on entry) takes part in the match.</summary>
    SignificantIndex = 1,

    /// <summary>The leaf answers differently each time it is read (2007; deprecated by KVM).</summary>
    StatefulFunction = 2,

    /// <summary>This entry of a stateful leaf is the next to be read: the hidden state.</summary>
    StateReadNext = 4,
}
