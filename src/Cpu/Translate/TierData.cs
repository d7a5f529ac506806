// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Translate;

// JUSTIFICATION: reached from the state by one load on each way into host code.
// SAFETY: allocated and freed by the tier that fills it.

/// <summary>What is shared by all host code of one vCPU.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct TierData
{
    /// <summary>Loads the guest's registers and goes on at an executable address; returns where the host code was left.
    /// </summary>
    public delegate* unmanaged<CpuState*, byte*, ExitRecord*> Enter;

    /// <summary>As <see cref="Enter"/>, with the XMM registers, at the target of a record.</summary>
    public delegate* unmanaged<CpuState*, ExitRecord*, ExitRecord*> EnterWithSimd;

    /// <summary>Address in the executable view minus address in the writable one.</summary>
    public nint ToExecutable;

    public long Entries;

    public long Fills;

    public long Steps;

    /// <summary>A copy of a micro-operation that the interpreter executes alone, and behind it the one that leads back.
    /// </summary>
    public Uop Lone;

    public Uop Back;

    /// <summary>Instructions that host code has retired.</summary>
    public long Instructions;
}
