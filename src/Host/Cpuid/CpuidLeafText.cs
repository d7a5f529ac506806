// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid.Names;
using KvmActors.Host.Cli;

namespace KvmActors.Host.Cpuid;

/// <summary>One leaf with every name that it can have, set or not, a line each.</summary>
internal static class CpuidLeafText
{
    public static void Write(CpuidDecoding decoding, CliTerminal terminal)
    {
        bool isFirst = true;
        foreach (CpuidDecodedLeaf leaf in decoding.Leaves)
        {
            if (!isFirst)
            {
                terminal.Out.WriteLine();
            }

            isFirst = false;
            terminal.Out.WriteLine(CpuidDecodeText.TitleOf(leaf));
            if (CpuidLeaves.Of(leaf.Leaf) is { HasSubleaves: true } named && leaf.Title is not null)
            {
                terminal.Out.WriteLine(named.Subleaves);
            }

            TextTable table = new("REGISTER", "BITS", "NAME", "VALUE", "MAKER", "WHAT IT IS") { RightAligned = [1] };
            foreach (CpuidDecodedRegister register in leaf.Registers)
            {
                foreach ((int _, string[] row) in Rows(leaf, register).OrderBy(row => row.Low))
                {
                    table.Add(row);
                }
            }

            table.Write(terminal);
        }
    }

    private static IEnumerable<(int Low, string[] Row)> Rows(CpuidDecodedLeaf leaf, CpuidDecodedRegister register)
    {
        string name = register.Register.ToString().ToLowerInvariant();
        foreach (CpuidDecodedField field in register.Fields)
        {
            string bits = field.Field.IsFlag ? $"{field.Field.Low}" : $"{field.Field.High}:{field.Field.Low}";
            string value = field.Field.IsFlag ? YesOrNo(field.Raw != 0) : field.Text;
            yield return (
                field.Field.Low,
                [name, bits, field.Field.Name, value, MakerOf(field.Field.Maker), field.Field.Meaning]);
        }

        foreach (CpuidFeatureName feature in CpuidFeatures.Names.Where(known =>
            leaf.Title is not null
            && (known.Feature.Leaf, known.Feature.Subleaf, known.Feature.Register)
                == (leaf.Leaf, leaf.Subleaf, register.Register)))
        {
            string value = YesOrNo(register.Features.Contains(feature));
            int bit = feature.Feature.Bit;
            yield return (bit, [name, $"{bit}", feature.Name, value, MakerOf(feature.Maker), feature.Meaning]);
        }

        foreach (int bit in CpuidDecodeText.Bits(register.Unknown))
        {
            yield return (bit, [name, $"{bit}", "unknown", "yes", "", ""]);
        }
    }

    private static string YesOrNo(bool isSet) => isSet ? "yes" : "no";

    private static string MakerOf(CpuidMaker maker) =>
        maker == CpuidMaker.Any ? "" : maker.ToString().ToLowerInvariant();
}
