// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Execute.Delivery;
using KvmActors.Cpu.Execute.Operands;
using KvmActors.Cpu.Execute.Operations;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute;

// JUSTIFICATION: see CpuState.
// SAFETY: works on the state its engine owns.

/// <summary>Retires instructions that the world outside of the engine has finished.</summary>
internal static unsafe class PortCompletion
{
    public static void CompleteRead(VcpuEngine engine, uint value)
    {
        CpuState* state = engine.State;
        Expect(state, PortAccessKind.Read);
        if (!state->Port.IsString)
        {
            RegisterFile.Write(state, offset: 0, state->Port.SizeBytes, value);
        }
        else if (!TryStore(state, value))
        {
            // Cannot happen while nobody changes the page tables under a vCPU that stands still; then the guest gets
            // the fault, and the value read is lost, as on hardware.
            state->Port = default;
            ExceptionDelivery.DeliverFault(state);
            return;
        }

        Finish(state, &state->Rdi);
    }

    public static void CompleteWrite(VcpuEngine engine)
    {
        Expect(engine.State, PortAccessKind.Write);
        Finish(engine.State, &engine.State->Rsi);
    }

    /// <summary>RIP moves on, the instruction counts one, the interrupt shadow and RFLAGS.RF end, and debug traps
    /// follow.</summary>
    public static void Retire(CpuState* state, int lengthBytes)
    {
        state->Rip += (ulong)lengthBytes;
        state->RetiredBefore++;
        state->InterruptShadow = 0;
        state->SystemFlags &= ~RFlags.Resume;
        ModeControl.RefreshFlags(state);
        bool isSingleStep = (state->SystemFlags & RFlags.Trap) != 0;
        int matches = Breakpoints.TakeMatches(state);
        if (isSingleStep || matches != 0)
        {
            Breakpoints.Raise(state, matches, isSingleStep);
            state->Exit = ExitReason.None;
            ExceptionDelivery.DeliverFault(state);
        }
    }

    /// <summary>The destination may be a device, which is written now.</summary>
    private static bool TryStore(CpuState* state, uint value)
    {
        int bytes = state->Port.SizeBytes;
        ulong offset = MemoryReference.Cut(state->Rdi, state->Port.AddressBits);
        state->MayReachDevices = VmTime.Standing;
        bool isStored = MemoryReference.Resolve(
            state, SegmentName.Es, offset, bytes, AccessKind.Write, out ulong linear)
            && LinearMemory.Write(state, linear, bytes, value, SegmentName.Es);
        state->MayReachDevices = 0;
        return isStored;
    }

    private static void Finish(CpuState* state, ulong* pointer)
    {
        PortAccess port = state->Port;
        state->Port = default;
        Breakpoints.NotePort(state, port.Port, port.SizeBytes);
        int length = port.InstructionBytes;
        if (port.IsString)
        {
            bool isDown = (state->SystemFlags & RFlags.Direction) != 0;
            ulong distance = isDown ? 0ul - port.SizeBytes : port.SizeBytes;
            AddressRegister.Write(pointer, port.AddressBits, *pointer + distance);
            if (port.IsRepeated)
            {
                AddressRegister.Write(&state->Rcx, port.AddressBits, state->Rcx - 1);
                bool isDone = MemoryReference.Cut(state->Rcx, port.AddressBits) == 0;
                length = isDone ? length : 0;
            }
        }

        Retire(state, length);
    }

    private static void Expect(CpuState* state, PortAccessKind kind)
    {
        if (state->Port.Kind != kind)
        {
            throw new InvalidOperationException(
                $"Expected a port {kind} that waits for its completion, found {state->Port.Kind}.");
        }
    }
}
