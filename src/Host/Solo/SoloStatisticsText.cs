// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Reflection;
using KvmActors.Cpu;

namespace KvmActors.Host.Solo;

/// <summary>The statistics of a run as lines of text.</summary>
internal static class SoloStatisticsText
{
    private const int NameColumns = 14;

    /// <summary>Names as in JSON: those of <see cref="VmExit"/>'s cases.</summary>
    private static readonly PropertyInfo[] s_exits =
        [.. typeof(ExitCounts).GetProperties().Where(property => property.CanWrite)];

    /// <param name="interpreter">Of engines in lockstep, the interpreter's; the others are the translator's then.
    /// </param>
    public static void Write(TextWriter target, SoloStatistics statistics, SoloStatistics? interpreter)
    {
        if (interpreter is not null)
        {
            target.WriteLine("lockstep, the VM in the interpreter (times are of both VMs together):");
            Write(target, interpreter);
            target.WriteLine("lockstep, the VM in the translator (times are of both VMs together):");
        }

        Write(target, statistics);
    }

    private static void Write(TextWriter target, SoloStatistics statistics)
    {
        foreach ((string name, string text) in Lines(statistics))
        {
            target.WriteLine($"{name,-NameColumns}{text}");
        }
    }

    private static IEnumerable<(string Name, string Text)> Lines(SoloStatistics statistics)
    {
        EngineStatistics engine = statistics.Engine;
        yield return ("instructions", Text($"{engine.Instructions:N0}, {statistics.Mips:N1} million a second"));
        yield return ("time", Text($"{statistics.WallMs:N1} ms, {statistics.CpuMs:N1} ms of CPU"));
        yield return ("interpreter", Text($"{engine.Instructions - engine.HostCodeInstructions:N0} instructions ")
            + Text($"({1 - statistics.HostCodeShare:P1})"));
        if (engine.HasTranslator)
        {
            yield return ("host code", Text(
                $"{engine.HostCodeInstructions:N0} instructions ({statistics.HostCodeShare:P1}), entered ")
                + Text($"{engine.HostCodeEntries:N0} times, left {engine.Steps:N0} times for the interpreter"));
            yield return ("translated", Text(
                $"{engine.BlocksTranslated:N0} blocks of {engine.InstructionsTranslated:N0} instructions, ")
                + Text($"{engine.HostBytes:N0} bytes ({statistics.HostBytesPerInstruction:N1} each) in ")
                + Text($"{statistics.CompileMs:N3} ms ({statistics.CompileUsPerInstruction:N2} µs each)"));
        }

        yield return ("decoded", Text(
            $"{engine.BlocksDecoded:N0} blocks of {engine.InstructionsDecoded:N0} instructions in ")
            + Text($"{engine.BlockLookUps:N0} look-ups ({statistics.BlockLookUpsPer1000:N3} in 1,000 instructions), ")
            + Text($"dropped {engine.Drops:N0} times"));
        yield return ("TLB", Text(
            $"{engine.TlbMisses:N0} misses ({statistics.TlbMissesPer1000:N3} in 1,000 instructions), ")
            + Text($"{engine.PageWalks:N0} page walks, {engine.TlbFills:N0} filled for host code"));
        yield return ("events", Text(
            $"{engine.Deliveries:N0} exceptions and interrupts delivered, ")
            + Text($"{engine.DeviceInstructions:N0} instructions on devices in memory"));
        yield return ("exits", Text($"{engine.Exits.Sum:N0}") + Exits(engine.Exits));
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static string Exits(ExitCounts exits)
    {
        IEnumerable<string> counts = s_exits
            .Select(property => (property.Name, Count: (long)property.GetValue(exits)!))
            .Where(exit => exit.Count > 0)
            .OrderByDescending(exit => exit.Count)
            .Select(exit => string.Create(CultureInfo.InvariantCulture, $"{exit.Name} {exit.Count:N0}"));
        string text = string.Join(", ", counts);
        return text.Length > 0 ? $": {text}" : "";
    }
}
