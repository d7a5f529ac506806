// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Tests.Hypercalls;

public enum GuestMode
{
    Real16,
    Virtual8086,
    Protected32,

    /// <summary>CS.base is not 0.</summary>
    Protected32WithBase,
    Compatibility32,
    Long64,
    Long64User,
}
