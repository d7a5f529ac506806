// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Cpu.Cpuid;

namespace KvmActors.Kvm.Tests;

/// <summary>Tables and what guests of a real KVM read of them, as lines: <c>table NAME</c>, then
/// <c>e LEAF SUBLEAF FLAGS EAX EBX ECX EDX</c> for each entry and <c>q LEAF SUBLEAF EAX EBX ECX EDX</c> for each
/// question, all in hexadecimal.</summary>
internal sealed record KvmRecording(
    string Name, CpuidTable Table, IReadOnlyList<(uint Leaf, uint Subleaf, CpuidRegisters Answer)> Answers)
{
    public const string FileName = "recorded-answers.txt";

    public static IEnumerable<KvmRecording> Read(IEnumerable<string> lines)
    {
        string? name = null;
        List<CpuidEntry> entries = [];
        List<(uint, uint, CpuidRegisters)> answers = [];
        foreach (string line in lines.Where(line => line.Length > 0 && line[0] != '#').Append("table"))
        {
            string[] words = line.Split(' ');
            if (words[0] != "table")
            {
                uint[] n = [.. words.Skip(1).Select(word => uint.Parse(word, NumberStyles.HexNumber, null))];
                if (words[0] == "e")
                {
                    entries.Add(new CpuidEntry(n[0], n[1], (CpuidEntryFlags)n[2], n[3], n[4], n[5], n[6]));
                }
                else
                {
                    answers.Add((n[0], n[1], new CpuidRegisters(n[2], n[3], n[4], n[5])));
                }

                continue;
            }

            if (name is not null)
            {
                yield return new KvmRecording(name, CpuidTable.Of(entries), [.. answers]);
            }

            name = line.Length > 6 ? line[6..] : null;
            entries.Clear();
            answers.Clear();
        }
    }

    public IEnumerable<string> Lines() =>
    [
        $"table {Name}",
        .. Table.Entries.Select(e =>
            $"e {e.Leaf:x} {e.Subleaf:x} {(uint)e.Flags:x} {e.Eax:x} {e.Ebx:x} {e.Ecx:x} {e.Edx:x}"),
        .. Answers.Select(q =>
            $"q {q.Leaf:x} {q.Subleaf:x} {q.Answer.Eax:x} {q.Answer.Ebx:x} {q.Answer.Ecx:x} {q.Answer.Edx:x}"),
    ];
}
