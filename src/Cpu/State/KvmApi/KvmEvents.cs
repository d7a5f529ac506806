// SPDX-License-Identifier: Apache-2.0

using static System.Buffers.Binary.BinaryPrimitives;

namespace KvmActors.Cpu.State.KvmApi;

/// <summary>struct kvm_vcpu_events and struct kvm_mp_state: what a vCPU does, and what waits for it.</summary>
/// <remarks>Exceptions and interrupts are injected by this engine at once or not at all, so none is ever half
/// delivered.</remarks>
internal static class KvmEvents
{
    private const int ShadowOffset = 11;
    private const int NmiPendingOffset = 13;
    private const int NmiMaskedOffset = 14;
    private const int SipiVectorOffset = 16;
    private const int FlagsOffset = 20;
    private const int LatchedInitOffset = 27;
    private const int TripleFaultOffset = 28;

    private const uint ValidNmiPending = 1;
    private const uint ValidSipiVector = 2;
    private const uint ValidShadow = 4;
    private const uint ValidSmm = 8;
    private const uint ValidTripleFault = 0x20;

    private const uint Runnable = 0;
    private const uint Uninitialized = 1;
    private const uint InitReceived = 2;
    private const uint Halted = 3;
    private const uint SipiReceived = 4;

    public static byte[] Write(VcpuState state)
    {
        byte[] bytes = new byte[KvmVcpuState.SizeBytes(KvmStructure.Events)];
        bool isShutDown = state.Activity == VcpuActivity.Shutdown;
        bytes[ShadowOffset] = (byte)state.InterruptShadow;
        bytes[NmiPendingOffset] = ToByte(state.Events.NmiPending);
        bytes[NmiMaskedOffset] = ToByte(state.Events.NmiBlocked);
        bytes[LatchedInitOffset] = ToByte(state.Events.InitPending);
        bytes[TripleFaultOffset] = ToByte(isShutDown);
        WriteUInt32LittleEndian(bytes.AsSpan(SipiVectorOffset), state.Events.SipiVector ?? 0u);
        uint flags = ValidNmiPending | ValidShadow | ValidSmm
            | (state.Events.SipiVector is null ? 0 : ValidSipiVector)
            | (isShutDown ? ValidTripleFault : 0);
        WriteUInt32LittleEndian(bytes.AsSpan(FlagsOffset), flags);
        return bytes;
    }

    public static byte[] WriteMpState(VcpuState state)
    {
        byte[] bytes = new byte[KvmVcpuState.SizeBytes(KvmStructure.MpState)];
        WriteUInt32LittleEndian(bytes, state.Activity switch
        {
            VcpuActivity.Running or VcpuActivity.Shutdown => Runnable,

            // KVM has no room for a kick: one that waits has ended the HLT already.
            VcpuActivity.Halted => state.Events.IsKicked ? Runnable : Halted,
            VcpuActivity.WaitForSipi => state.Events.SipiVector is null ? InitReceived : SipiReceived,
        });
        return bytes;
    }

    public static VcpuState Read(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> mpState, VcpuState state)
    {
        uint flags = ReadUInt32LittleEndian(bytes[FlagsOffset..]);
        uint activity = ReadUInt32LittleEndian(mpState);
        bool isShutDown = (flags & ValidTripleFault) != 0 && bytes[TripleFaultOffset] != 0;
        byte? sipi = (flags & ValidSipiVector) != 0 || activity == SipiReceived ? bytes[SipiVectorOffset] : null;
        return state with
        {
            Activity = activity switch
            {
                Uninitialized or InitReceived or SipiReceived => VcpuActivity.WaitForSipi,
                Halted => VcpuActivity.Halted,
                _ => isShutDown ? VcpuActivity.Shutdown : VcpuActivity.Running,
            },
            InterruptShadow = (flags & ValidShadow) != 0 ? (InterruptShadow)(bytes[ShadowOffset] & 3) : 0,
            Events = new VcpuEvents(
                bytes[NmiPendingOffset] != 0,
                bytes[NmiMaskedOffset] != 0,
                (flags & ValidSmm) != 0 && bytes[LatchedInitOffset] != 0,
                sipi,
                IsKicked: false),
        };
    }

    private static byte ToByte(bool value) => value ? (byte)1 : (byte)0;
}
