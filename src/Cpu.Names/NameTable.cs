// SPDX-License-Identifier: Apache-2.0

using System.Globalization;

namespace KvmActors.Cpu.Names;

/// <summary>Cpuid.txt, read. Every line is tried; those that do not read are in <see cref="Errors"/>.</summary>
internal sealed class NameTable
{
    private static readonly string[] s_makers = ["intel", "amd", "centaur", "transmeta"];
    private static readonly string[] s_registers = ["eax", "ebx", "ecx", "edx"];
    private static readonly char[] s_blank = [' '];

    private readonly List<NameError> _errors = [];
    private readonly List<NameLeaf> _leaves = [];
    private readonly List<NameLine> _lines = [];
    private readonly Dictionary<string, string> _rules = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<KeyValuePair<uint, string>>> _values = new(StringComparer.Ordinal);
    private readonly HashSet<string> _features = new(StringComparer.Ordinal);

    public IReadOnlyList<NameError> Errors => _errors;

    public IReadOnlyList<NameLeaf> Leaves => _leaves;

    public IReadOnlyList<NameLine> Lines => _lines;

    public static NameTable Read(string text)
    {
        NameTable table = new();
        string[] lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i].Trim();
            if (line.Length > 0 && line[0] != '#' && table.ReadLine(line) is { } message)
            {
                table._errors.Add(new NameError(i + 1, message));
            }
        }

        return table;
    }

    public string SubleavesOf(NameLeaf leaf) => _rules[leaf.Rule];

    /// <returns>What is wrong, or null.</returns>
    private string? ReadLine(string line)
    {
        string[] words = line.Split(s_blank, StringSplitOptions.RemoveEmptyEntries);
        return words[0] switch
        {
            "rule" => ReadRule(words),
            "values" => ReadValues(words),
            "leaf" => ReadLeaf(words),
            _ => ReadName(words),
        };
    }

    private string? ReadRule(string[] words)
    {
        if (words.Length < 3 || _rules.ContainsKey(words[1]))
        {
            return "Expected \"rule WORD TEXT\" with a new word, found \"" + string.Join(" ", words) + "\".";
        }

        _rules.Add(words[1], string.Join(" ", words.Skip(2)));
        return null;
    }

    private string? ReadValues(string[] words)
    {
        if (words.Length != 3 || WordsOf(words[2]) is not { } values || _values.ContainsKey(words[1]))
        {
            return "Expected \"values WORD N:TEXT,N:TEXT\" with a new word, found \"" + string.Join(" ", words) + "\".";
        }

        _values.Add(words[1], values);
        return null;
    }

    private string? ReadLeaf(string[] words)
    {
        if (words.Length < 4 || Hex(words[1]) is not { } leaf || !_rules.ContainsKey(words[2]))
        {
            return "Expected \"leaf LEAF RULE TITLE\" with eight hexadecimal digits and a rule from above, found \""
                + string.Join(" ", words) + "\".";
        }

        if (_leaves.Count > 0 && _leaves[_leaves.Count - 1].Leaf >= leaf)
        {
            return "Expected leaves in rising order, found " + words[1] + " again or too late.";
        }

        string maker = words[words.Length - 1][0] == '@' ? words[words.Length - 1].Substring(1) : "";
        if (maker.Length > 0 && !s_makers.Contains(maker))
        {
            return "Expected one of " + string.Join(", ", s_makers) + " behind @, found \"" + maker + "\".";
        }

        string title = string.Join(" ", words.Skip(3).Take(words.Length - (maker.Length > 0 ? 4 : 3)));
        _leaves.Add(new NameLeaf(leaf, words[2], title, MakerOf(maker)));
        return null;
    }

    private string? ReadName(string[] words)
    {
        if (words.Length < 5 || Hex(words[0]) is not { } leaf || !s_registers.Contains(words[2]))
        {
            return "Expected \"LEAF SUBLEAF REGISTER BITS NAME\", a comment (#), rule, values or leaf, found \""
                + string.Join(" ", words) + "\".";
        }

        if (_leaves.Count == 0 || _leaves[_leaves.Count - 1].Leaf != leaf)
        {
            return "Expected the line behind \"leaf " + words[0] + "\", found it elsewhere.";
        }

        bool isFeature = words[3].IndexOf(':') < 0;
        if (SubleavesOf(words[1]) is not { } subleaves || BitsOf(words[3]) is not { } bits)
        {
            return "Expected a subleaf (0, 1-3, 2+ or *) and a bit from 0 to 31 or HIGH:LOW, found \"" + words[1]
                + "\" and \"" + words[3] + "\".";
        }

        NameLine line = new(leaf, subleaves.First, subleaves.Last, words[2], bits.High, bits.Low, isFeature)
        {
            Name = words[4],
            Maker = _leaves[_leaves.Count - 1].Maker,
        };
        return ReadRest(line, words.Skip(5)) ?? Check(line) ?? Add(line);
    }

    private string? Add(NameLine line)
    {
        _lines.Add(line);
        return null;
    }

    private string? Check(NameLine line)
    {
        if (line.Name.Any(letter => letter is not ((>= 'a' and <= 'z') or (>= '0' and <= '9') or '_')))
        {
            return "Expected a name of a-z, 0-9 and _, found \"" + line.Name + "\".";
        }

        if (_lines.FirstOrDefault(line.Overlaps) is { } other)
        {
            return "Expected bits that have no name yet, found those of " + other.Name + ".";
        }

        if (!line.IsFeature)
        {
            return null;
        }

        if (line.First != line.Last)
        {
            return "Expected one subleaf for a feature, found several.";
        }

        return _features.Add(line.Property)
            ? null
            : "Expected a name that no other feature has, found \"" + line.Name + "\".";
    }

    private string? ReadRest(NameLine line, IEnumerable<string> words)
    {
        string[] rest = [.. words];
        for (int i = 0; i < rest.Length; i++)
        {
            string word = rest[i];
            if (word == "-")
            {
                line.Meaning = string.Join(" ", rest.Skip(i + 1));
                return line.Meaning.Length > 0 ? null : "Expected what it is behind -, found nothing.";
            }

            if (word[0] == '@' && s_makers.Contains(word.Substring(1)))
            {
                line.Maker = MakerOf(word.Substring(1));
            }
            else if (word[0] == '~' && word.Length > 1)
            {
                line.Unit = word.Substring(1);
            }
            else if (word[0] != '=' || line.IsFeature || !ReadForm(line, word.Substring(1)))
            {
                return "Expected @MAKER, =FORM (fields only), ~UNIT or - TEXT, found \"" + word + "\".";
            }
        }

        return null;
    }

    private bool ReadForm(NameLine line, string form)
    {
        List<KeyValuePair<uint, string>>? words =
            _values.TryGetValue(form, out List<KeyValuePair<uint, string>>? known) ? known : WordsOf(form);
        line.Form = form switch
        {
            "hex" => "Hexadecimal",
            "plus1" => "PlusOne",
            "text" => "Text",
            _ when words is not null => "Words",
            _ => "",
        };
        line.Words = words ?? [];
        return line.Form.Length > 0;
    }

    private static List<KeyValuePair<uint, string>>? WordsOf(string text)
    {
        List<KeyValuePair<uint, string>> values = [];
        foreach (string part in text.Split(','))
        {
            int colon = part.IndexOf(':');
            if (colon <= 0 || !uint.TryParse(
                part.Substring(0, colon), NumberStyles.None, CultureInfo.InvariantCulture, out uint number))
            {
                return null;
            }

            values.Add(new KeyValuePair<uint, string>(number, part.Substring(colon + 1).Replace('_', ' ')));
        }

        return values;
    }

    private static (uint First, uint Last)? SubleavesOf(string text)
    {
        if (text == "*")
        {
            return (0, uint.MaxValue);
        }

        if (text[text.Length - 1] == '+' && Decimal(text.Substring(0, text.Length - 1)) is { } least)
        {
            return (least, uint.MaxValue);
        }

        string[] ends = text.Split('-');
        return ends.Length <= 2 && Decimal(ends[0]) is { } first && Decimal(ends[ends.Length - 1]) is { } last
            && first <= last
            ? (first, last)
            : null;
    }

    private static (int High, int Low)? BitsOf(string text)
    {
        string[] ends = text.Split(':');
        return ends.Length <= 2 && Decimal(ends[0]) is { } high && Decimal(ends[ends.Length - 1]) is { } low
            && low <= high && high <= 31
            ? ((int)high, (int)low)
            : null;
    }

    private static uint? Decimal(string text) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number) ? number : null;

    private static uint? Hex(string text) => text.Length == 8
        && uint.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint number)
        ? number
        : null;

    private static string MakerOf(string word) =>
        word.Length == 0 ? "Any" : char.ToUpperInvariant(word[0]) + word.Substring(1);
}
