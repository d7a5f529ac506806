// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu;

/// <summary>What became of an access the hypervisor made in the guest's name.</summary>
/// <param name="Gpa">Physical address of the first byte, if there is no fault.</param>
/// <param name="Fault">The exception the guest's own access would have raised; nothing was read or written
/// then.</param>
public readonly record struct GuestAccess(Gpa Gpa, GuestFault? Fault)
{
    public bool Succeeded => Fault is null;
}
