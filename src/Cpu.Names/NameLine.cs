// SPDX-License-Identifier: Apache-2.0

using System.Text;

namespace KvmActors.Cpu.Names;

/// <summary>A line that names bits of a register: a feature or a field.</summary>
internal sealed class NameLine(uint leaf, uint first, uint last, string register, int high, int low, bool isFeature)
{
    public uint Leaf { get; } = leaf;

    public uint First { get; } = first;

    public uint Last { get; } = last;

    public string Register { get; } = register;

    public int High { get; } = high;

    public int Low { get; } = low;

    public bool IsFeature { get; } = isFeature;

    public string Name { get; set; } = "";

    public string Maker { get; set; } = "Any";

    public string Form { get; set; } = "Number";

    public string Unit { get; set; } = "";

    public string Meaning { get; set; } = "";

    public IReadOnlyList<KeyValuePair<uint, string>> Words { get; set; } = [];

    /// <summary>The name as a C# property: avx512_vbmi2 is Avx512Vbmi2, sse4_1 is Sse4_1, 3dnow is ThreeDnow.</summary>
    public string Property
    {
        get
        {
            StringBuilder property = new();
            foreach (string part in (Name[0] == '3' ? "three_" + Name.Substring(1) : Name).Split('_'))
            {
                bool digits = property.Length > 0 && part.Length > 0 && char.IsDigit(part[0])
                    && char.IsDigit(property[property.Length - 1]);
                property.Append(digits ? "_" : "").Append(part.ToUpperInvariant(), 0, Math.Min(1, part.Length))
                    .Append(part, Math.Min(1, part.Length), Math.Max(0, part.Length - 1));
            }

            return property.ToString();
        }
    }

    public bool Overlaps(NameLine other) =>
        Leaf == other.Leaf && Register == other.Register && First <= other.Last && other.First <= Last
        && Low <= other.High && other.Low <= High;
}
