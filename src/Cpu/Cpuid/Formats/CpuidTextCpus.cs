// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Globalization;

namespace KvmActors.Cpu.Cpuid.Formats;

/// <summary>The CPUs of a text, gathered line by line.</summary>
internal sealed class CpuidTextCpus
{
    private readonly ImmutableArray<(int Cpu, CpuidTable Table)>.Builder _found =
        ImmutableArray.CreateBuilder<(int Cpu, CpuidTable Table)>();

    private readonly List<CpuidEntry> _entries = [];
    private readonly HashSet<int> _withFlags = [];
    private int _cpu;

    /// <summary>Reads a heading, <c>CPU:</c> or <c>CPU 3:</c>.</summary>
    /// <exception cref="CpuidFormatException">The line begins as a heading and is none.</exception>
    public void Begin(ReadOnlySpan<char> heading, int line)
    {
        EndCpu();
        ReadOnlySpan<char> digits = heading["CPU".Length..].TrimEnd(':').Trim();
        if (digits.IsEmpty)
        {
            _cpu = _found.Count == 0 ? 0 : _found[^1].Cpu + 1;
        }
        else if (heading[^1] != ':'
            || !int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out _cpu))
        {
            throw new CpuidFormatException(line, "a heading 'CPU:' or 'CPU 0:'", CpuidNumber.Quote(heading));
        }
    }

    public void Add(CpuidEntry entry, ReadOnlySpan<char> comment, int line)
    {
        if (_entries.Count == CpuidTable.EntriesMax)
        {
            throw new CpuidFormatException(line, $"at most {CpuidTable.EntriesMax} entries of one CPU", "one more");
        }

        if (CpuidTextLine.TryReadExtra(comment, line, ref entry))
        {
            _withFlags.Add(_entries.Count);
        }

        _entries.Add(entry);
    }

    /// <exception cref="CpuidFormatException">The text had no entry.</exception>
    public ImmutableArray<(int Cpu, CpuidTable Table)> End(int line)
    {
        EndCpu();
        return _found.Count > 0
            ? _found.ToImmutable()
            : throw new CpuidFormatException(
                line, "a line '0x00000000 0x00: eax=0x… ebx=0x… ecx=0x… edx=0x…'", "the end of the text");
    }

    private void EndCpu()
    {
        if (_entries.Count > 0)
        {
            _found.Add((_cpu, CpuidFlagRule.Table(_entries, _withFlags)));
            _entries.Clear();
            _withFlags.Clear();
        }
    }
}
