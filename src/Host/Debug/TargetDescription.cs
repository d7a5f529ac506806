// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Globalization;
using System.Xml.Linq;

namespace KvmActors.Host.Debug;

/// <summary>Tells gdb in XML which registers there are.</summary>
/// <remarks>Source: the manual "Debugging with GDB", appendix "Target Descriptions".</remarks>
internal static class TargetDescription
{
    /// <summary>What the parts of an XMM register can be looked at as: name, type, count.</summary>
    private static readonly (string Name, string Type, int Count)[] s_vectors =
    [
        ("v4_float", "ieee_single", 4),
        ("v2_double", "ieee_double", 2),
        ("v16_int8", "int8", 16),
        ("v8_int16", "int16", 8),
        ("v4_int32", "int32", 4),
        ("v2_int64", "int64", 2),
    ];

    /// <summary>The document that gdb asks for under the name target.xml.</summary>
    public static string Of(RegisterLayout layout)
    {
        XDocument document = new(
            new XDocumentType("target", publicId: null, "gdb-target.dtd", internalSubset: null),
            new XElement(
                "target",
                new XAttribute("version", "1.0"),
                new XElement("architecture", layout.Architecture),

                // Whatever the guest runs, gdb shall not look for a Linux process in it.
                new XElement("osabi", "none"),
                layout.Features.Select(FeatureOf)));
        return $"<?xml version=\"1.0\"?>\n{document}\n";
    }

    private static XElement FeatureOf(RegisterFeature feature) => new(
        "feature",
        new XAttribute("name", feature.Name),
        TypesOf(feature.Registers),
        feature.Registers.Select(register => new XElement(
            "reg",
            new XAttribute("name", register.Name),
            new XAttribute("bitsize", register.Bits.ToString(CultureInfo.InvariantCulture)),
            new XAttribute("type", register.Type),
            register.Group is null ? null : new XAttribute("group", register.Group))));

    private static IEnumerable<XElement> TypesOf(ImmutableArray<GuestRegister> registers)
    {
        HashSet<string> used = [.. registers.Select(register => register.Type)];
        IEnumerable<XElement> flags = ((ReadOnlySpan<RegisterBits>)
            [RegisterBits.EFlags, RegisterBits.Mxcsr, RegisterBits.Cr0, RegisterBits.Cr4, RegisterBits.Efer])
            .ToArray()
            .Where(bits => used.Contains(bits.Id))
            .Select(FlagsOf);
        return used.Contains("vec128") ? VectorTypes().Concat(flags) : flags;
    }

    private static IEnumerable<XElement> VectorTypes() => s_vectors
        .Select(vector => new XElement(
            "vector",
            new XAttribute("id", vector.Name),
            new XAttribute("type", vector.Type),
            new XAttribute("count", vector.Count)))
        .Append(new XElement(
            "union",
            new XAttribute("id", "vec128"),
            s_vectors.Select(vector => vector.Name)
                .Select(name => FieldOf(name, name))
                .Append(FieldOf("uint128", "uint128"))));

    private static XElement FieldOf(string name, string type) =>
        new("field", new XAttribute("name", name), new XAttribute("type", type));

    private static XElement FlagsOf(RegisterBits bits) => new(
        "flags",
        new XAttribute("id", bits.Id),
        new XAttribute("size", bits.SizeBytes),
        bits.Fields.Select(field => new XElement(
            "field",
            new XAttribute("name", field.Name),
            new XAttribute("start", field.First),
            new XAttribute("end", field.Last))));
}
