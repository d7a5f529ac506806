// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute;

// JUSTIFICATION: see CpuState.
// SAFETY: works on the state its engine owns; memory is reached through PhysicalMemory's checked methods.

/// <summary>How the hypervisor looks at the guest's memory through the guest's own translation, at the present CPL.
/// </summary>
internal static unsafe class GuestWindow
{
    private const ulong PageOffsetMask = GuestMemory.PageBytes - 1;

    public static GuestAccess ReadCode(VcpuEngine engine, Gva start, Span<byte> destination)
    {
        CpuState* state = engine.State;
        Gpa first = default;
        for (int done = 0; done < destination.Length;)
        {
            if (!TryTranslate(state, start, done, AccessKind.Fetch, out ulong physical))
            {
                return Faulted(state);
            }

            first = done == 0 ? new Gpa(physical) : first;
            int count = CountInPage(physical, destination.Length - done);
            for (int index = 0; index < count; index++)
            {
                destination[done + index] = (byte)PhysicalMemory.Read(state, physical + (ulong)index, sizeBytes: 1);
            }

            done += count;
        }

        return new GuestAccess(first, Fault: null);
    }

    public static GuestAccess WriteAsGuest(VcpuEngine engine, Gva start, ReadOnlySpan<byte> bytes)
    {
        CpuState* state = engine.State;
        Gpa first = default;
        for (int done = 0; done < bytes.Length;)
        {
            if (!TryTranslate(state, start, done, AccessKind.Write, out ulong physical))
            {
                return Faulted(state);
            }

            first = done == 0 ? new Gpa(physical) : first;
            done += CountInPage(physical, bytes.Length - done);
        }

        // Every page has been found writable, so nothing below can fail halfway.
        for (int index = 0; index < bytes.Length; index++)
        {
            TryTranslate(state, start, index, AccessKind.Write, out ulong physical);
            PhysicalMemory.Write(state, physical, sizeBytes: 1, bytes[index]);
        }

        return new GuestAccess(first, Fault: null);
    }

    /// <summary>The physical address behind a linear one, or null where nothing is mapped. Changes nothing.</summary>
    public static Gpa? Inspect(VcpuEngine engine, Gva linear)
    {
        CpuState* state = engine.State;
        ulong address = ModeControl.IsLongActive(state) ? linear.Value : (uint)linear.Value;
        if ((state->Cr0 & ControlBits.Cr0Paging) == 0)
        {
            return new Gpa(address);
        }

        bool exists = !ModeControl.IsLongActive(state) || LinearMemory.IsCanonical(address);
        return exists && PageWalk.TryInspect(state, address, out ulong physical) ? new Gpa(physical) : null;
    }

    private static bool TryTranslate(CpuState* state, Gva start, int offset, AccessKind access, out ulong physical)
    {
        ulong linear = start.Value + (ulong)offset;
        physical = 0;
        if (state->Mode != CpuMode.Long64)
        {
            linear = (uint)linear;
        }
        else if (!LinearMemory.IsCanonical(linear))
        {
            Faults.Record(state, Faults.GeneralProtection, errorCode: 0);
            return false;
        }

        return PageAccess.Translate(state, linear, access, out physical);
    }

    private static int CountInPage(ulong physical, int count) =>
        (int)Math.Min((ulong)count, GuestMemory.PageBytes - (physical & PageOffsetMask));

    private static GuestAccess Faulted(CpuState* state) => new(
        default,
        new GuestFault(
            state->Fault.Vector,
            state->Fault.HasErrorCode ? state->Fault.ErrorCode : null,
            state->Fault.Vector == Faults.PageFault ? state->Fault.Address : null));
}
