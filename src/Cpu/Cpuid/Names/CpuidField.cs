// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Globalization;

namespace KvmActors.Cpu.Cpuid.Names;

/// <summary>Bits of one register that are no feature: a number, a text, or a flag about something else.</summary>
/// <param name="SubleafFirst">The first subleaf that has it.</param>
/// <param name="SubleafLast">The last subleaf that has it.</param>
/// <param name="High">The highest bit, counted from 0; <paramref name="Low"/> if it is one bit.</param>
/// <param name="Name">Once in a subleaf.</param>
/// <param name="Unit">Of the value as <see cref="ValueOf"/> gives it; empty if it has none.</param>
/// <param name="Meaning">What it is, where the name does not say it; else empty.</param>
public sealed record CpuidField(
    uint Leaf,
    uint SubleafFirst,
    uint SubleafLast,
    CpuidRegister Register,
    int High,
    int Low,
    string Name,
    CpuidMaker Maker,
    CpuidFieldForm Form,
    string Unit,
    string Meaning,
    ImmutableArray<CpuidFieldWord> Words)
{
    /// <summary>The field's bits within its register.</summary>
    public uint Mask => (uint)(((1ul << (High - Low + 1)) - 1) << Low);

    public bool IsFlag => High == Low;

    public bool IsOfSubleaf(uint subleaf) => subleaf >= SubleafFirst && subleaf <= SubleafLast;

    /// <summary>The bits as they are stored.</summary>
    public uint RawOf(uint register) => (register & Mask) >> Low;

    /// <summary>What the bits mean as a number: a count stored less one is put right.</summary>
    public ulong ValueOf(uint register) => RawOf(register) + (Form == CpuidFieldForm.PlusOne ? 1ul : 0);

    /// <summary>What the bits mean as a person reads it, with the unit.</summary>
    public string TextOf(uint register)
    {
        uint raw = RawOf(register);
        string text = Form switch
        {
            CpuidFieldForm.Number or CpuidFieldForm.PlusOne =>
                ValueOf(register).ToString(CultureInfo.InvariantCulture),
            CpuidFieldForm.Hexadecimal => $"0x{raw:x}",
            CpuidFieldForm.Text => CpuidCharacters.Quoted(raw),
            CpuidFieldForm.Words => WordOf(raw),
        };
        return Unit.Length == 0 ? text : $"{text} {Unit}";
    }

    private string WordOf(uint raw)
    {
        foreach (CpuidFieldWord word in Words)
        {
            if (word.Value == raw)
            {
                return word.Text;
            }
        }

        return raw.ToString(CultureInfo.InvariantCulture);
    }
}

/// <summary>The word for one value of a field.</summary>
public readonly record struct CpuidFieldWord(uint Value, string Text);
