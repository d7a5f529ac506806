// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu;
using KvmActors.Machine;
using KvmActors.Machine.Time;

namespace KvmActors.Host.Solo.Lockstep;

/// <summary>Runs a VM in the interpreter and in the translator at once, and stops at the first difference.</summary>
/// <remarks>Registers and devices are compared every <see cref="StrideTicks"/>, the pages that either has written every
/// <see cref="StridesPerMemory"/> of these and at the end. What was found is looked for again from the last equal
/// state, in ever smaller strides; in the smallest every instruction is a block of its own, which is translated at
/// once.</remarks>
internal static class LockstepRun
{
    public const int ExitCode = 12;

    private const ulong StrideTicks = 500_000;
    private const int StridesPerMemory = 8;
    private static readonly ulong[] s_strides = [65_536, 4_096, 256];

    /// <param name="run">The VM; of its engine only the clock counts.</param>
    /// <param name="console">Takes the console's bytes, once.</param>
    /// <param name="cancelled">Asked between strides.</param>
    /// <param name="twin">The engine of the twin; null: the translator.</param>
    /// <param name="plant">See <see cref="LockstepPair.Create"/>.</param>
    public static LockstepResult Run(
        SoloRunOptions run,
        Action<ReadOnlyMemory<byte>> console,
        Func<bool> cancelled,
        EngineOptions? twin = null,
        Action<VirtualMachine>? plant = null)
    {
        EngineOptions engine = twin
            ?? new EngineOptions { Choice = EngineChoice.Translator, Clock = run.Engine?.Clock };
        using var pair = LockstepPair.Create(run, engine, plant);
        ulong consoleBytes = 0;
        SoloRunStop stop = SoloRunStop.Cancelled;
        for (int stride = 1; !cancelled(); stride++)
        {
            ulong until = Math.Min(run.InstructionsMax, pair.First.VmTime + StrideTicks);
            bool isEqual = pair.Run(until, out SliceResult slice);
            consoleBytes += (ulong)slice.Console.Length;
            if (!slice.Console.IsEmpty)
            {
                console(slice.Console);
            }

            bool isOver = slice.Stop is SliceStop.Ended or SliceStop.Idle || pair.First.VmTime >= run.InstructionsMax;
            if (!isEqual || ((isOver || stride % StridesPerMemory == 0) && !pair.IsEqual()))
            {
                return ResultOf(pair, SoloRunStop.Cancelled, consoleBytes) with { Difference = Narrow(pair, engine) };
            }

            if (isOver)
            {
                stop = slice.Stop is SliceStop.Ended or SliceStop.Idle ? SoloRunStop.Ended : SoloRunStop.LimitReached;
                break;
            }
        }

        return ResultOf(pair, stop, consoleBytes);
    }

    private static LockstepDifference Narrow(LockstepPair pair, EngineOptions engine)
    {
        LockstepDifference found = pair.Difference(isNarrowed: false);
        LockstepPair from = pair;
        List<LockstepPair> made = [];
        try
        {
            EngineOptions hot = engine with { HotEntries = 1 };
            EngineOptions single = hot with { BlockInstructionsMax = 1 };
            foreach ((ulong stride, EngineOptions options) in
                s_strides.Select(stride => (stride, hot)).Append((1ul, single)))
            {
                LockstepPair again = from.Again(options);
                made.Add(again);
                if (!Differs(again, found.VmTime, stride))
                {
                    break;
                }

                found = again.Difference(isNarrowed: true);
                from = again;
            }

            return found;
        }
        finally
        {
            made.ForEach(each => each.Dispose());
        }
    }

    private static bool Differs(LockstepPair pair, ulong until, ulong stride)
    {
        SliceStop stop;
        do
        {
            // One further than it was found: an end that costs no instruction is met behind the limit.
            bool isEqual = pair.Run(Math.Min(until + 1, pair.First.VmTime + stride), out SliceResult slice);
            stop = slice.Stop;
            if (!isEqual || !pair.IsEqual())
            {
                return true;
            }
        }
        while (pair.First.VmTime <= until && stop is not (SliceStop.Ended or SliceStop.Idle));
        return false;
    }

    private static LockstepResult ResultOf(LockstepPair pair, SoloRunStop stop, ulong consoleBytes)
    {
        VirtualMachine machine = pair.First;
        SoloRunResult result = new(
            stop,
            machine.End,
            machine.VmTime,
            machine.InstructionsRetired,
            consoleBytes,
            [],
            machine.HashState(),
            machine.SumMemory())
        {
            Statistics = machine.Statistics,
        };
        return new LockstepResult(result, pair.Twin.Statistics);
    }
}
