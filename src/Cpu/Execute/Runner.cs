// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute;

// JUSTIFICATION: see CpuState.
// SAFETY: works on the state its engine owns.

/// <summary>The loop that runs blocks until something has to leave the engine.</summary>
internal sealed unsafe class Runner(VcpuEngine engine)
{
    public VmExit Run(ulong budget, ulong vmTime)
    {
        CpuState* state = engine.State;
        state->VmTimeAtEntry = vmTime;
        state->BudgetAtEntry = (long)Math.Min(budget, long.MaxValue);
        return new VmExit.EmulationFailure(new Gva(state->CodeBase + state->Rip), [], "Nothing is decoded yet.");
    }

    public void InjectException(GuestFault fault) => engine.State->Fault.Vector = fault.Vector;

    public bool TryInjectInterrupt(byte vector) => engine.State->Fault.Vector != vector && false;
}
