// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.State.KvmApi;

/// <summary>A vCPU's state as the bytes of KVM's structures, and back.</summary>
/// <remarks>
/// <para>What KVM has no place for stays apart, and <see cref="Read"/> takes it from a state that the caller gives: the
/// index, the CPUID table (KVM_SET_CPUID2) and what was read of it, instructions retired, random numbers drawn,
/// breakpoints held by MOV SS. Of the timer of the local APIC KVM has counts, so that its deadline is exact to one
/// count.</para>
/// <para>The APIC id of x2APIC mode has 32 bits: KVM_CAP_X2APIC_API, KVM_X2APIC_API_USE_32BIT_IDS.</para>
/// </remarks>
public static class KvmVcpuState
{
    /// <summary>The bytes of one structure, as its KVM_SET_* takes them.</summary>
    /// <param name="structure">Which.</param>
    /// <param name="state">The vCPU.</param>
    /// <param name="vmTime">VM time, which the TSC and the APIC's timer follow.</param>
    public static byte[] Write(KvmStructure structure, VcpuState state, ulong vmTime)
    {
        ArgumentNullException.ThrowIfNull(state);
        return structure switch
        {
            KvmStructure.MpState => KvmEvents.WriteMpState(state),
            KvmStructure.Registers => KvmRegisters.Write(state),
            KvmStructure.SystemRegisters => KvmSystemRegisters.Write(state),
            KvmStructure.Xsave => KvmFloatingPoint.WriteXsave(state),
            KvmStructure.ExtendedControl => KvmFloatingPoint.WriteControl(state),
            KvmStructure.DebugRegisters => KvmRegisters.WriteDebug(state),
            KvmStructure.LocalApic => KvmLocalApic.Write(state, vmTime),
            KvmStructure.Msrs => KvmMsrs.Write(state, vmTime),
            KvmStructure.Events => KvmEvents.Write(state),
            _ => throw new ArgumentOutOfRangeException(nameof(structure), structure, "No such structure."),
        };
    }

    /// <summary>The state with all that the structures say.</summary>
    /// <param name="structures">The bytes of each, as its KVM_GET_* gives them.</param>
    /// <param name="rest">What KVM has no place for, and MSRs that it did not give.</param>
    /// <param name="vmTime">VM time.</param>
    /// <exception cref="ArgumentException">A structure is missing or has another size.</exception>
    public static VcpuState Read(
        IReadOnlyDictionary<KvmStructure, byte[]> structures, VcpuState rest, ulong vmTime)
    {
        ArgumentNullException.ThrowIfNull(structures);
        ArgumentNullException.ThrowIfNull(rest);
        byte[] Of(KvmStructure structure) => structures.TryGetValue(structure, out byte[]? bytes)
            ? Checked(structure, bytes)
            : throw new ArgumentException($"Expected the structure {structure}, found none.", nameof(structures));

        VcpuState state = KvmRegisters.Read(Of(KvmStructure.Registers), rest);
        state = KvmSystemRegisters.Read(Of(KvmStructure.SystemRegisters), state);
        state = KvmFloatingPoint.ReadXsave(Of(KvmStructure.Xsave), state);
        state = KvmFloatingPoint.ReadControl(Of(KvmStructure.ExtendedControl), state);
        state = KvmRegisters.ReadDebug(Of(KvmStructure.DebugRegisters), state);
        byte[] msrs = Of(KvmStructure.Msrs);
        state = KvmMsrs.Read(msrs, state);
        state = KvmLocalApic.Read(Of(KvmStructure.LocalApic), msrs, state, vmTime);
        return KvmEvents.Read(Of(KvmStructure.Events), Of(KvmStructure.MpState), state);
    }

    /// <summary>Bytes of a structure; of the MSRs, of its head.</summary>
    public static int SizeBytes(KvmStructure structure) => structure switch
    {
        KvmStructure.MpState => 4,
        KvmStructure.Registers => 144,
        KvmStructure.SystemRegisters => 312,
        KvmStructure.Xsave => 4096,
        KvmStructure.ExtendedControl => 392,
        KvmStructure.DebugRegisters => 128,
        KvmStructure.LocalApic => 1024,
        KvmStructure.Msrs => 8,
        KvmStructure.Events => 64,
        _ => throw new ArgumentOutOfRangeException(nameof(structure), structure, "No such structure."),
    };

    private static byte[] Checked(KvmStructure structure, byte[] bytes)
    {
        int expected = SizeBytes(structure);
        bool isRight = structure == KvmStructure.Msrs ? KvmMsrs.IsWhole(bytes) : bytes.Length == expected;
        return isRight
            ? bytes
            : throw new ArgumentException(
                $"Expected {expected} bytes of {structure}, and entries as it counts them; found {bytes.Length}.");
    }
}
