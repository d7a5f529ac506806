// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Host.Journal.Diff;

namespace KvmActors.Host.Solo.Lockstep;

/// <summary>The first difference between a VM and its twin in the other engine.</summary>
/// <param name="EqualUntil">The last VM time at which they were found equal.</param>
/// <param name="VmTime">The first VM time at which they were found to differ.</param>
/// <param name="Instructions">Instructions retired until <paramref name="EqualUntil"/>, by all vCPUs.</param>
/// <param name="IsNarrowed">True if a replay has shown the same within <paramref name="VmTime"/> minus
/// <paramref name="EqualUntil"/>; false if it showed nothing, so that the stretch is that of the run itself.</param>
/// <param name="Vcpu">Who runs at <paramref name="EqualUntil"/>.</param>
/// <param name="Rip">Its RIP there.</param>
/// <param name="Instruction">The instruction there: the one that makes the difference, if the stretch is one.</param>
/// <param name="Fields">What differs: first the interpreter's, then the translator's.</param>
/// <param name="Memory">Ranges of guest memory that differ.</param>
internal sealed record LockstepDifference(
    ulong EqualUntil,
    ulong VmTime,
    ulong Instructions,
    bool IsNarrowed,
    int Vcpu,
    string Rip,
    string Instruction,
    ImmutableArray<FieldDifference> Fields,
    ImmutableArray<MemoryDifference> Memory)
{
    private const int ShownMax = 20;

    public void Write(TextWriter target)
    {
        target.WriteLine(
            $"kvmactors: The engines differ: equal until VM time {EqualUntil} ({Instructions} instructions), "
            + $"different at {VmTime}. First the interpreter, then the translator:");
        foreach (FieldDifference field in Fields.Take(ShownMax))
        {
            target.WriteLine($"  {field.Name,-28}  {field.First} | {field.Second}");
        }

        foreach (MemoryDifference range in Memory.Take(ShownMax))
        {
            target.WriteLine($"  memory {range.Physical,-12} {range.Bytes,4} B  {range.First} | {range.Second}");
        }

        target.WriteLine(VmTime - EqualUntil <= 1
            ? $"  first different instruction, vCPU {Vcpu}: {Rip}  {Instruction}"
            : $"  one of {VmTime - EqualUntil} ticks from this instruction on, vCPU {Vcpu}: {Rip}  {Instruction}");
        if (!IsNarrowed)
        {
            target.WriteLine("  A replay from the last equal state did not show it again.");
        }
    }
}
