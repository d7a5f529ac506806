// SPDX-License-Identifier: Apache-2.0

using System.Runtime.CompilerServices;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute;

// JUSTIFICATION: loops of arithmetic, of memory accesses and of calls ran at 429, 319 and 272 million instructions a
// CPU second, and at 214, 166 and 130 with the loop, on the same machine under the same load.
// SAFETY: the measurement makes at most ProbeCount nested calls, which fit the smallest stack a thread gets. A handler
// that were not compiled to a jump would end the process by overflow, so a test runs every handler on a small stack.

/// <summary>Whether handlers may call each other as their last act, or have to return to the loop.</summary>
/// <remarks>C# does not promise that such a call becomes a jump; the optimising compiler of .NET does it, and does not
/// if optimisation is off for the whole process (a debugger, DOTNET_JITMinOpts). So it is measured, once a process, on
/// handlers made for it. The result of a run is the same either way.</remarks>
internal static unsafe class DispatchChoice
{
    /// <summary>Name of the AppContext switch that turns threaded dispatch off for vCPUs made from then on.</summary>
    public const string LoopSwitch = "KvmActors.Cpu.LoopDispatch";

    private const int ProbeCount = 512;
    private const long GrowthBytesMax = 2048;

    private static readonly bool s_jumps = MeasureGrowth() < GrowthBytesMax;

    /// <summary>True if vCPUs made now use threaded dispatch.</summary>
    public static bool IsThreaded =>
        s_jumps && !(AppContext.TryGetSwitch(LoopSwitch, out bool usesLoop) && usesLoop);

    /// <summary>How much deeper the stack is after <see cref="ProbeCount"/> handlers.</summary>
    private static long MeasureGrowth()
    {
        Uop* probes = stackalloc Uop[ProbeCount];
        for (int index = 0; index < ProbeCount; index++)
        {
            probes[index].Handler = &Probe;
        }

        probes[ProbeCount - 1].Handler = &Last;
        CpuState state = default;
        long start = (long)probes;
        probes->Handler(&state, probes);
        return Math.Abs(start - (long)state.Loaded);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Uop* Probe(CpuState* state, Uop* uop)
    {
        state->Budget--;
        return TailDispatch.Next(state, uop);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Uop* Last(CpuState* state, Uop* uop)
    {
        byte here = 0;
        state->Loaded = (ulong)&here;
        return null;
    }
}
