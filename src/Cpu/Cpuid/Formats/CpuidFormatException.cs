// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.Formats;

/// <summary>A CPUID text or JSON does not read. Says where, what was expected and what was found.</summary>
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
    public CpuidFormatException(int line, string expected, string found)
        : base($"line {line}: expected {expected}, found {found}.") => Line = line;

    /// <summary>The line to blame, counted from 1; 0 if none is.</summary>
    public int Line { get; }
}
