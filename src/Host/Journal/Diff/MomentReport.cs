// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Globalization;
using KvmActors.Actors.Replay;
using KvmActors.Host.Cli;

namespace KvmActors.Host.Journal.Diff;

/// <summary>What <c>journal diff A B</c> prints.</summary>
internal sealed record MomentReport(
    string First,
    string Second,
    bool Equal,
    ImmutableArray<FieldDifference> Fields,
    ImmutableArray<MemoryDifference> Memory)
{
    /// <param name="first">Stands where it is compared.</param>
    /// <param name="second">Stands where it is compared.</param>
    public static MomentReport Of(Timeline first, Timeline second)
    {
        ImmutableArray<FieldDifference> fields = StateDiff.Fields(first.Machine.Save(), second.Machine.Save());
        ImmutableArray<MemoryDifference> memory = StateDiff.Memory(first.Machine.Memory, second.Machine.Memory);
        return new MomentReport(
            $"{first.History.Vm}@{first.Now}",
            $"{second.History.Vm}@{second.Now}",
            fields.IsEmpty && memory.IsEmpty,
            fields,
            memory);
    }

    /// <param name="shownMax">Lines of each kind.</param>
    public void Write(TextWriter target, int shownMax)
    {
        if (Equal)
        {
            target.WriteLine($"Equal: {First} and {Second}, registers, devices and memory.");
            return;
        }

        ulong bytes = Memory.Aggregate(0ul, (sum, range) => sum + range.Bytes);
        target.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{First} and {Second} differ in {CountText.Of(Fields.Length, "field")} and "
            + $"{CountText.Of(Memory.Length, "range")} of memory ({bytes:N0} bytes)."));
        foreach (FieldDifference field in Fields.Take(shownMax))
        {
            target.WriteLine($"  {field.Name,-28}  {field.First} | {field.Second}");
        }

        WriteRest(target, Fields.Length - shownMax, "field");
        foreach (MemoryDifference range in Memory.Take(shownMax))
        {
            string size = $"{range.Bytes} B";
            target.WriteLine($"  memory {range.Physical,-12} {size,-8}  {range.First} | {range.Second}");
        }

        WriteRest(target, Memory.Length - shownMax, "range");
    }

    private static void WriteRest(TextWriter target, int rest, string what)
    {
        if (rest > 0)
        {
            target.WriteLine($"  … and {CountText.Of(rest, what)} more: --limit shows them, --json all.");
        }
    }
}
