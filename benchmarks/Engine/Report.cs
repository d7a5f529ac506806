// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Text.Json;

namespace KvmActors.Benchmarks.Engine;

/// <summary>What is printed, as Markdown while it is measured, or as JSON at the end.</summary>
/// <param name="engines">The columns' heads, ours first.</param>
internal sealed class Report(IReadOnlyList<string> engines, bool asJson)
{
    public const string Interpreter = "interpreter";
    public const string Translator = "translator";
    public const string Qemu = "QEMU";
    public const string QemuCounting = "QEMU -icount";
    public const string Bochs = "Bochs";

    private static readonly JsonSerializerOptions s_json = new() { WriteIndented = true };

    private readonly List<EngineRow> _rows = [];
    private readonly List<Measured> _measured = [];

    public void Start(IEnumerable<string> machine)
    {
        if (!asJson)
        {
            Console.WriteLine(string.Join('\n', machine));
        }
    }

    public void StartRows()
    {
        Print("");
        Print(
            $"| row | M instr. | {string.Join(" | ", engines)} | translator / QEMU | wanted | / QEMU -icount "
            + "| / interpreter | interpreter / Bochs |");
        Print($"|---|---|{string.Concat(engines.Select(_ => "---|"))}---|---|---|---|---|");
    }

    public void Add(EngineRow row)
    {
        _rows.Add(row);
        string goal = row.Program.IsRunOnce
            ? string.Create(CultureInfo.InvariantCulture, $"{row.Program.Goal:0.0}; 0.9 of interpreter")
            : row.Program.Goal.ToString("0.0", CultureInfo.InvariantCulture);
        string rates = string.Join(" | ", engines.Select(engine => Rate(row.Mips(engine))));
        Print(string.Create(
            CultureInfo.InvariantCulture,
            $"| `{row.Program.Name}` | {row.Instructions / 1e6:n1} | {rates} | {Times(row.Ratio(Translator, Qemu))} "
            + $"| {goal} | {Times(row.Ratio(Translator, QemuCounting))} "
            + $"| {Times(row.Ratio(Translator, Interpreter))} | {Times(row.Ratio(Interpreter, Bochs))} |"));
    }

    /// <summary>The geometric means of the hot loops, once all are there.</summary>
    public void AddMeans()
    {
        EngineRow[] hot = [.. _rows.Where(row => row.Program.IsHotLoop)];
        if (hot.Length == 0)
        {
            return;
        }

        string rates = string.Join(" | ", engines.Select(engine => Rate(Mean(hot, row => row.Mips(engine)))));
        string names = string.Join(", ", hot.Select(row => row.Program.Name));
        Print(
            $"| **mean** of {names} | | {rates} | **{Times(Mean(hot, row => row.Ratio(Translator, Qemu)))}** "
            + $"| 1.5, floor 1.2 | **{Times(Mean(hot, row => row.Ratio(Translator, QemuCounting)))}** (3, floor 2) "
            + $"| {Times(Mean(hot, row => row.Ratio(Translator, Interpreter)))} "
            + $"| {Times(Mean(hot, row => row.Ratio(Interpreter, Bochs)))} (4) |");
        Print("");
        Print($"The interpreter alone: {Rate(Mean(hot, row => row.Mips(Interpreter)))} MIPS (wanted 300).");
    }

    public void StartMeasured()
    {
        Print("");
        Print("| Measured | Wanted | Found | QEMU | Met |");
        Print("|---|---|---|---|---|");
    }

    public void Add(Measured measured)
    {
        _measured.Add(measured);
        string met = measured.IsMet switch { true => "yes", false => "**no**", null => "" };
        Print($"| {measured.What} | {measured.Goal} | {measured.Ours} | {measured.Peer} | {met} |");
    }

    public void AddAll(IEnumerable<Measured> measured)
    {
        foreach (Measured each in measured)
        {
            Add(each);
        }
    }

    public void End()
    {
        if (asJson)
        {
            Console.WriteLine(JsonSerializer.Serialize(
                new
                {
                    Rows = _rows.Select(row => new { row.Program.Name, row.Program.Goal, row.Instructions, row.Rates }),
                    Measured = _measured,
                },
                s_json));
        }
    }

    private static double? Mean(IReadOnlyCollection<EngineRow> rows, Func<EngineRow, double?> of)
    {
        double?[] values = [.. rows.Select(of)];
        return Array.TrueForAll(values, value => value > 0)
            ? Math.Exp(values.Average(value => Math.Log(value!.Value)))
            : null;
    }

    private static string Rate(double? mips) =>
        mips?.ToString(mips < 100 ? "n1" : "n0", CultureInfo.InvariantCulture) ?? "";

    private static string Times(double? ratio) => ratio?.ToString("0.00", CultureInfo.InvariantCulture) ?? "";

    private void Print(string line)
    {
        if (!asJson)
        {
            Console.WriteLine(line);
        }
    }
}
