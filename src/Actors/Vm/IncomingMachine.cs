// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu;
using KvmActors.Cpu.Memory;
using KvmActors.Machine;

namespace KvmActors.Actors.Vm;

/// <summary>A virtual machine whose memory is filled, and summed, as its pages come.</summary>
internal sealed class IncomingMachine(MachineSpec spec, EngineOptions? engine) : IIncomingGuest
{
    private static readonly byte[] s_zeros = new byte[CapturedPage.SizeBytes];
    private VirtualMachine? _machine = VirtualMachine.Await(spec, engine);

    private VirtualMachine Machine =>
        _machine ?? throw new InvalidOperationException("Expected a machine that is not complete, found none.");

    public int PageCount => Machine.Memory.PageCount;

    public void Put(CapturedPage page) =>
        Machine.PutPage(page.PageNumber, page.IsZero ? s_zeros : page.Bytes.Span);

    public void PutSame(int pageNumber, int otherPage) =>
        Machine.PutPage(pageNumber, Machine.Memory.Page(otherPage));

    public void Prepare() => _ = Machine.SumMemory();

    public IGuest Complete(MachineState state)
    {
        VirtualMachine machine = Machine;
        machine.Complete(state);
        _ = machine.Memory.TakeDirty(DirtyReader.Snapshot);
        _ = machine.Memory.TakeDirty(DirtyReader.Migration);
        _machine = null;
        return new MachineGuest(machine);
    }

    public void Dispose() => _machine?.Dispose();
}
