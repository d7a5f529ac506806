// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Delivery;
using KvmActors.Cpu.Execute.Events;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute;

// JUSTIFICATION: the loop that calls handlers through pointers; see CpuState.
// SAFETY: blocks come from the builder and live until DropAll, which is called here, between blocks.

/// <summary>Runs blocks until something has to leave the engine, and exactly as many instructions as it is given.
/// </summary>
internal sealed unsafe class Runner(VcpuEngine engine)
{
    /// <summary>More than any run can use, and less than <see cref="Block.NoEntry"/>.</summary>
    private const long BudgetMax = long.MaxValue / 2;

    private int _deliveriesInARow;
    private long _budgetAtDelivery;

    /// <summary>What an injection from outside ended in, if not in a handler: the next run says it.</summary>
    private VmExit? _exitOfInjection;

    /// <summary>Exceptions and interrupts delivered in runs.</summary>
    public long Deliveries { get; private set; }

    /// <summary>Instructions that came upon a device.</summary>
    public long DeviceInstructions { get; private set; }

    public VmExit Run(ulong budget, ulong vmTime)
    {
        CpuState* state = engine.State;
        state->VmTimeAtEntry = vmTime;
        state->Budget = (long)Math.Min(budget, BudgetMax);
        state->BudgetAtEntry = state->Budget;
        state->LinkSlot = null;
        engine.Events.Refresh();
        _budgetAtDelivery = -1;
        state->Port = default;
        state->Exit = ExitReason.None;
        VmExit exit = TakeExitOfInjection() ?? engine.Debug.TakeExit() ?? RunBlocks(state);
        if (exit is VmExit.InvalidOpcode)
        {
            // Answered with a patch or an exception.
            engine.Debug.OnCostlessStep();
        }

        ulong retired = (ulong)(state->BudgetAtEntry - state->Budget);
        state->RetiredBefore += retired;
        state->VmTimeAtEntry += retired;
        state->BudgetAtEntry = state->Budget;
        return exit;
    }

    public void InjectException(GuestFault fault)
    {
        CpuState* state = engine.State;
        state->InterruptShadow = 0;
        state->Fault.Vector = fault.Vector;
        state->Fault.HasErrorCode = fault.ErrorCode is not null;
        state->Fault.ErrorCode = fault.ErrorCode ?? 0;
        state->Fault.Address = fault.Cr2 ?? state->Cr2;
        state->Exit = ExitReason.None;
        ExceptionDelivery.DeliverFault(state);
        KeepExit(state);
    }

    /// <summary>To be called when the whole state is replaced.</summary>
    public void ForgetInjection() => _exitOfInjection = null;

    private VmExit? TakeExitOfInjection()
    {
        VmExit? exit = _exitOfInjection;
        _exitOfInjection = null;
        return exit;
    }

    private void KeepExit(CpuState* state)
    {
        _exitOfInjection = state->Exit == ExitReason.None ? null : ExitOf(state);
        state->Exit = ExitReason.None;
    }

    private static VmExit ExitOfActivity(CpuState* state) => state->Activity switch
    {
        VcpuActivity.Running => new VmExit.BudgetSpent(),
        VcpuActivity.Halted => new VmExit.Halted(),
        VcpuActivity.WaitForSipi => new VmExit.Halted(),
        VcpuActivity.Shutdown => new VmExit.Shutdown("The vCPU is shut down since an earlier triple fault."),
    };

    private VmExit RunBlocks(CpuState* state)
    {
        while (true)
        {
            if (state->Exit == ExitReason.Fault)
            {
                ServeFault(state);
                continue;
            }

            if (ExitBetweenBlocks(state) is { } exit)
            {
                return exit;
            }

            if (state->EventsPending != 0 && engine.Events.TryTake())
            {
                // Not where the last block went.
                state->LinkSlot = null;
                Deliveries++;
                engine.Debug.OnCostlessStep();
                continue;
            }

            if (state->Activity != VcpuActivity.Running)
            {
                return ExitOfActivity(state);
            }

            Block* block = FindBlock(state);
            if (block == null)
            {
                continue;
            }

            if (state->SingleStep != 0 || state->Budget < block->EntryCost)
            {
                SingleSteps.Run(state, block);
                continue;
            }

            state->Budget -= block->EntryCost;
            state->CurrentBlock = block;
            Uop* uop = block->Entry;
            do
            {
                uop = uop->Handler(state, uop);
            }
            while (uop != null);
        }
    }

    private void ServeFault(CpuState* state)
    {
        if (state->Fault.Vector == DeviceAccess.Vector)
        {
            DeviceInstructions++;
            RunOnDevice(state);
        }
        else
        {
            Deliveries++;
            DeliverFault(state);
            engine.Debug.OnCostlessStep();
        }
    }

    private VmExit? ExitBetweenBlocks(CpuState* state)
    {
        if (state->Exit != ExitReason.None)
        {
            return ExitOf(state);
        }

        if (state->Budget == 0)
        {
            return new VmExit.BudgetSpent();
        }

        if (state->DeadlineChanged == 0)
        {
            return null;
        }

        state->DeadlineChanged = 0;
        return new VmExit.DeadlineChanged();
    }

    /// <summary>Executes the instruction at RIP again, alone, since it comes upon a device.</summary>
    private void RunOnDevice(CpuState* state)
    {
        state->Exit = ExitReason.None;
        Block* block = FindBlock(state);
        if (block != null)
        {
            SingleSteps.RunOnDevice(state, block);
        }
    }

    private Block* FindBlock(CpuState* state)
    {
        Block* block = JumpCache.Find(state);
        if (block == null)
        {
            if (engine.Blocks.IsFull)
            {
                state->LinkSlot = null;
                state->CurrentBlock = null;
                engine.Blocks.DropAll();
                JumpCache.Flush(state);
            }

            block = engine.Builder.GetBlock(state);
        }

        if (state->LinkSlot != null)
        {
            if (block != null && block->SecondPage == Block.NoPage)
            {
                *state->LinkSlot = block;
            }

            state->LinkSlot = null;
        }

        return block;
    }

    private void DeliverFault(CpuState* state)
    {
        _deliveriesInARow = state->Budget == _budgetAtDelivery ? _deliveriesInARow + 1 : 0;
        _budgetAtDelivery = state->Budget;
        if (_deliveriesInARow > Vcpu.FaultsInARowMax)
        {
            engine.ExitText =
                $"{Vcpu.FaultsInARowMax} faults in a row, the last with vector {state->Fault.Vector}, and no "
                + "instruction retired between them.";
            state->Activity = VcpuActivity.Shutdown;
            state->Exit = ExitReason.Shutdown;
            return;
        }

        state->InterruptShadow = 0;
        state->Exit = ExitReason.None;
        ExceptionDelivery.DeliverFault(state);
    }

    private VmExit ExitOf(CpuState* state) => state->Exit switch
    {
        ExitReason.PortRead => new VmExit.PortRead(state->Port.Port, state->Port.SizeBytes),
        ExitReason.PortWrite => new VmExit.PortWrite(state->Port.Port, state->Port.SizeBytes, state->Port.Value),
        ExitReason.Halted => new VmExit.Halted(),
        ExitReason.Hypercall => new VmExit.Hypercall(),
        ExitReason.InvalidOpcode => new VmExit.InvalidOpcode(),
        ExitReason.Shutdown => new VmExit.Shutdown(engine.ExitText),
        ExitReason.EmulationFailure => EmulationFailure(state),
        ExitReason.Debug => new VmExit.Debug(engine.Debug.TakeHit()),
        ExitReason.None or ExitReason.Fault or ExitReason.BudgetSpent => new VmExit.BudgetSpent(),
    };

    private VmExit.EmulationFailure EmulationFailure(CpuState* state)
    {
        ulong linear = state->CodeBase + state->Rip;
        Gva start = new(state->Mode == CpuMode.Long64 ? linear : (uint)linear);
        byte[] bytes = new byte[BlockBuilder.InstructionBytesMax];
        int count = 0;
        while (count < bytes.Length
            && GuestWindow.ReadCode(engine, new Gva(start.Value + (ulong)count), bytes.AsSpan(count, 1)).Succeeded)
        {
            count++;
        }

        return new VmExit.EmulationFailure(start, [.. bytes[..count]], engine.ExitText);
    }
}
