// SPDX-License-Identifier: Apache-2.0

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
        switch (state->Port.SizeBytes)
        {
            case 1:
                *(byte*)&state->Rax = (byte)value;
                break;
            case 2:
                *(ushort*)&state->Rax = (ushort)value;
                break;
            default:
                state->Rax = value;
                break;
        }

        Finish(state);
    }

    public static void CompleteWrite(VcpuEngine engine)
    {
        Expect(engine.State, PortAccessKind.Write);
        Finish(engine.State);
    }

    /// <summary>RIP moves on, the instruction counts one, and the interrupt shadow ends.</summary>
    public static void Retire(CpuState* state, int lengthBytes)
    {
        state->Rip += (ulong)lengthBytes;
        state->RetiredBefore++;
        state->InterruptShadow = 0;
        ModeControl.RefreshFlags(state);
    }

    private static void Finish(CpuState* state)
    {
        int length = state->Port.InstructionBytes;
        state->Port = default;
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
