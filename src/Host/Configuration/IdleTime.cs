// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Configuration;

/// <summary>How VM time passes while no vCPU of a guest can run.</summary>
internal enum IdleTime
{
    /// <summary>As the wall clock does.</summary>
    Real,

    /// <summary>It jumps to the guest's next timer.</summary>
    Skip,
}
