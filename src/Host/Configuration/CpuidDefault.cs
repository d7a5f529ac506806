// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Configuration;

/// <summary>The CPUID of a VM that does not say which it wants.</summary>
internal enum CpuidDefault
{
    /// <summary>What all active nodes offer in common.</summary>
    Baseline,

    /// <summary>What the node offers that it is created on.</summary>
    Node,
}
