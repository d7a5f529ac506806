// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid.Names;

namespace KvmActors.Host.Cpuid;

/// <summary>What <c>cpuid decode --json</c> prints.</summary>
internal sealed record CpuidDecodeReport(
    CpuidSummary Summary, IReadOnlyList<CpuidDecodeReport.LeafReport> Leaves)
{
    public static CpuidDecodeReport Of(CpuidDecoding decoding) =>
        new(decoding.Summary, [.. decoding.Leaves.Select(LeafReport.Of)]);

    /// <summary>One entry.</summary>
    /// <param name="Found">False if an earlier entry hides it.</param>
    internal sealed record LeafReport(
        string Leaf, uint Subleaf, string? Title, bool Found, IReadOnlyList<RegisterReport> Registers)
    {
        public static LeafReport Of(CpuidDecodedLeaf leaf) => new(
            $"0x{leaf.Leaf:x8}", leaf.Subleaf, leaf.Title, leaf.IsFound, [.. leaf.Registers.Select(RegisterReport.Of)]);
    }

    /// <summary>One register: fields, features and unknown bits make it up.</summary>
    internal sealed record RegisterReport(
        string Register,
        string Value,
        IReadOnlyList<FieldReport> Fields,
        IReadOnlyList<string> Features,
        IReadOnlyList<int> UnknownBits)
    {
        public static RegisterReport Of(CpuidDecodedRegister register) => new(
            register.Register.ToString().ToLowerInvariant(),
            $"0x{register.Value:x8}",
            [.. register.Fields.Select(FieldReport.Of)],
            [.. register.Features.Select(feature => feature.Name)],
            [.. CpuidDecodeText.Bits(register.Unknown)]);
    }

    /// <summary>One field.</summary>
    /// <param name="Raw">The bits as they are stored.</param>
    internal sealed record FieldReport(string Name, int High, int Low, uint Raw, string Text)
    {
        public static FieldReport Of(CpuidDecodedField field) =>
            new(field.Field.Name, field.Field.High, field.Field.Low, field.Raw, field.Text);
    }
}
