// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Delivery;

// JUSTIFICATION: see CpuState.
// SAFETY: guest memory is reached through PrivilegedMemory only.

/// <summary>Delivers exceptions and interrupts, and what goes wrong while doing so: #DF and triple fault.</summary>
/// <remarks>A delivery commits registers only when every push and every load has succeeded. Source: Intel SDM vol. 3A,
/// chapter 7 "Interrupt and Exception Handling", table 7-5 "Conditions for Generating a Double Fault".</remarks>
internal static unsafe class ExceptionDelivery
{
    // The faults that push RF = 1, so that an instruction breakpoint does not fire again. Source: SDM vol. 3A,
    // 19.3.1.1.
    private const uint FaultClassVectors = (1u << Faults.DivideError) | (1u << Faults.BoundRange)
        | (1u << Faults.InvalidOpcode) | (1u << Faults.DeviceNotAvailable) | (1u << Faults.InvalidTss)
        | (1u << Faults.SegmentNotPresent) | (1u << Faults.StackFault) | (1u << Faults.GeneralProtection)
        | (1u << Faults.PageFault) | (1u << Faults.MathFault) | (1u << Faults.AlignmentCheck)
        | (1u << Faults.SimdException);

    private const uint ContributoryVectors = (1u << Faults.DivideError) | (1u << Faults.InvalidTss)
        | (1u << Faults.SegmentNotPresent) | (1u << Faults.StackFault) | (1u << Faults.GeneralProtection);

    private const ulong Dr7GeneralDetect = 1ul << 13;
    private const int Dr7Slot = 5;

    /// <summary>Delivers the recorded fault. The exit reason is set if that ends in a triple fault, or in a gate the
    /// engine does not have.</summary>
    public static void DeliverFault(CpuState* state)
    {
        byte vector = state->Fault.Vector;
        while (true)
        {
            if (vector == Faults.PageFault)
            {
                state->Cr2 = state->Fault.Address;
            }

            bool setsResume = vector < 32 && ((FaultClassVectors >> vector) & 1) != 0;
            ulong flags = LazyFlags.Read(state) | (setsResume ? RFlags.Resume : 0);
            GuestEvent guestEvent = new(
                vector,
                EventKind.Exception,
                state->Fault.HasErrorCode,
                state->Fault.ErrorCode,
                state->Rip,
                flags);
            if (TryDeliver(state, guestEvent))
            {
                ClearGeneralDetect(state, vector);
                VcpuEngine.Of(state).Debug.OnDelivery(
                    vector, isInterrupt: false, guestEvent.HasErrorCode ? guestEvent.ErrorCode : null);
                return;
            }

            if (state->Exit != ExitReason.None || !Escalate(state, vector))
            {
                return;
            }

            vector = state->Fault.Vector;
        }
    }

    public static void DeliverInterrupt(CpuState* state, byte vector)
    {
        GuestEvent guestEvent = new(
            vector, EventKind.External, HasErrorCode: false, ErrorCode: 0, state->Rip, LazyFlags.Read(state));
        if (TryDeliver(state, guestEvent))
        {
            VcpuEngine.Of(state).Debug.OnDelivery(vector, isInterrupt: true, errorCode: null);
        }
        else if (state->Exit == ExitReason.None)
        {
            DeliverFault(state);
        }
    }

    /// <summary>Delivers INT n, INT3 or INTO; false with the fault recorded.</summary>
    public static bool TryDeliverSoftware(CpuState* state, byte vector, ulong returnRip) =>
        TryDeliver(
            state,
            new GuestEvent(
                vector, EventKind.Software, HasErrorCode: false, ErrorCode: 0, returnRip, LazyFlags.Read(state)));

    private static bool TryDeliver(CpuState* state, in GuestEvent guestEvent)
    {
        if ((state->Cr0 & ControlBits.Cr0ProtectionEnable) == 0)
        {
            return RealModeDelivery.TryDeliver(state, guestEvent);
        }

        return ModeControl.IsLongActive(state)
            ? LongModeDelivery.TryDeliver(state, guestEvent)
            : ProtectedModeDelivery.TryDeliver(state, guestEvent);
    }

    /// <summary>Turns the fault that met a delivery into what is delivered next; false if that is a triple fault.
    /// </summary>
    private static bool Escalate(CpuState* state, byte first)
    {
        byte second = state->Fault.Vector;
        if (first == Faults.DoubleFault)
        {
            VcpuEngine.Of(state).ExitText =
                $"Triple fault: vector {second} while delivering #DF, RIP 0x{state->Rip:x}, "
                + $"CR2 0x{state->Fault.Address:x}.";
            state->Activity = VcpuActivity.Shutdown;
            state->Exit = ExitReason.Shutdown;
            return false;
        }

        bool secondIsContributory = IsContributory(second);
        bool isDouble = IsContributory(first)
            ? secondIsContributory
            : first == Faults.PageFault && (secondIsContributory || second == Faults.PageFault);
        if (isDouble)
        {
            if (second == Faults.PageFault)
            {
                state->Cr2 = state->Fault.Address;
            }

            Faults.Record(state, Faults.DoubleFault, errorCode: 0);
        }

        return true;
    }

    private static bool IsContributory(byte vector) => vector < 32 && ((ContributoryVectors >> vector) & 1) != 0;

    private static void ClearGeneralDetect(CpuState* state, byte vector)
    {
        if (vector == Faults.Debug)
        {
            *CpuState.DebugRegister(state, Dr7Slot) &= ~Dr7GeneralDetect;
        }
    }
}
