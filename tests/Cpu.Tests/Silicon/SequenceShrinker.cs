// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;

namespace KvmActors.Cpu.Tests.Silicon;

/// <summary>Takes instructions out of a program that fails, as long as it still fails.</summary>
internal static class SequenceShrinker
{
    /// <summary>A program that fails and of which no instruction can be taken out.</summary>
    /// <param name="failing">From <see cref="SequenceGenerator"/>.</param>
    /// <param name="difference">What is wrong with a program; null if nothing is.</param>
    public static SiliconCase Shrink(SiliconCase failing, Func<SiliconCase, string?> difference)
    {
        SiliconCase shortest = failing;
        for (int count = Math.Max(1, failing.Instructions.Count / 2); count > 0;)
        {
            if (TryShorten(shortest, count, difference) is { } shorter)
            {
                shortest = shorter;
            }
            else
            {
                count /= 2;
            }
        }

        return shortest;
    }

    /// <summary>Without so many instructions in a row; null if each such program is none, or does not fail.</summary>
    private static SiliconCase? TryShorten(SiliconCase failing, int count, Func<SiliconCase, string?> difference)
    {
        for (int first = 0; first + count <= failing.Instructions.Count; first++)
        {
            if (TryWithout(failing, first, count) is { } shorter && difference(shorter) is not null)
            {
                return shorter;
            }
        }

        return null;
    }

    private static SiliconCase? TryWithout(SiliconCase program, int first, int count)
    {
        List<Instruction> kept = [];
        UndefinedFlagTracker undefined = new();
        foreach ((int index, Instruction old) in program.Instructions.Index())
        {
            if (index >= first && index < first + count)
            {
                continue;
            }

            Instruction instruction = old;
            instruction.IP = (ulong)kept.Count + 1;
            if (instruction.FlowControl == FlowControl.ConditionalBranch)
            {
                int target = (int)instruction.NearBranch64 - 1;
                target = target < first ? target : Math.Max(first, target - count);
                instruction.NearBranch64 = (ulong)target + 1;
            }

            if (!undefined.TryAppend(instruction, kept.Count))
            {
                return null;
            }

            kept.Add(instruction);
        }

        bool isWhole = kept.Count > 0 && kept.All(instruction =>
            instruction.FlowControl != FlowControl.ConditionalBranch || instruction.NearBranch64 <= (ulong)kept.Count);
        return isWhole ? SequenceGenerator.With(program, kept, undefined.AtEnd) : null;
    }
}
