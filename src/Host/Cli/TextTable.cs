// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Cli;

/// <summary>Columns of text, as wide as their widest cell: the same in a terminal and in a pipe, but for a bold
/// head.</summary>
internal sealed class TextTable(params ReadOnlySpan<string> head)
{
    private const string Gap = "  ";
    private const string Bold = "\e[1m";
    private const string Plain = "\e[0m";

    private readonly string[] _head = head.ToArray();
    private readonly List<string[]> _rows = [];

    /// <summary>Columns that are numbers, and so end at the same place.</summary>
    public HashSet<int> RightAligned { get; init; } = [];

    public void Add(params ReadOnlySpan<string> cells) => _rows.Add(cells.ToArray());

    public void Write(CliTerminal terminal)
    {
        int[] widths = [.. _head.Select((name, i) => _rows.Select(row => row[i].Length).Append(name.Length).Max())];
        string headLine = Line(_head, widths);
        terminal.Out.WriteLine(terminal.HasColour ? Bold + headLine + Plain : headLine);
        foreach (string[] row in _rows)
        {
            terminal.Out.WriteLine(Line(row, widths));
        }
    }

    private string Line(string[] cells, int[] widths) => string.Join(
        Gap,
        cells.Select((cell, i) => RightAligned.Contains(i) ? cell.PadLeft(widths[i]) : cell.PadRight(widths[i])))
        .TrimEnd();
}
