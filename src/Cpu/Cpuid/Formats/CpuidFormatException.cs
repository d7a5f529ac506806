// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.Formats;

/// <summary>A CPUID file of some form does not read, or a table does not fit into a form. Says where, what was expected
/// and what was found.</summary>
public sealed class CpuidFormatException : FormatException
{
    public CpuidFormatException()
    {
    }

    public CpuidFormatException(string message)
        : base(message)
    {
    }

    public CpuidFormatException(string message, Exception inner)
        : base(message, inner)
    {
    }

    /// <param name="line">Counted from 1; 0 where no line is to blame.</param>
    public CpuidFormatException(int line, string expected, string found, Exception? inner = null)
        : this(line, "", expected, found, inner)
    {
    }

    /// <param name="line">Counted from 1; 0 where no line is to blame.</param>
    /// <param name="place">Which part of the document, for instance <c>entries[3].eax</c>; or empty.</param>
    public CpuidFormatException(int line, string place, string expected, string found, Exception? inner = null)
        : base($"{Where(line, place)}expected {expected}, found {found}.", inner) => Line = line;

    /// <summary>The line to blame, counted from 1; 0 if none is.</summary>
    public int Line { get; }

    private static string Where(int line, string place) => (line, place) switch
    {
        (0, "") => "",
        (0, _) => $"{place}: ",
        (_, "") => $"line {line}: ",
        _ => $"line {line}, {place}: ",
    };
}
