// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Hocon;

/// <param name="Text">The value's text; for punctuation what stands in the file.</param>
/// <param name="Before">Blanks of the same line before it: they count where values are concatenated.</param>
internal readonly record struct HoconToken(HoconTokenKind Kind, string Text, string Before, HoconOrigin Origin)
{
    public bool IsText => Kind is HoconTokenKind.Unquoted or HoconTokenKind.Quoted;

    /// <summary>As an error names it.</summary>
    public string Describe() => Kind switch
    {
        HoconTokenKind.End => "the end of the file",
        HoconTokenKind.Newline => "the end of the line",
        HoconTokenKind.Quoted => $"\"{Text}\"",
        HoconTokenKind.OpenBrace => "'{'",
        HoconTokenKind.CloseBrace => "'}'",
        HoconTokenKind.OpenBracket => "'['",
        HoconTokenKind.CloseBracket => "']'",
        HoconTokenKind.Comma => "','",
        HoconTokenKind.Colon => "':'",
        HoconTokenKind.Equals => "'='",
        HoconTokenKind.PlusEquals => "'+='",
        HoconTokenKind.Unquoted => $"'{Text}'",
        HoconTokenKind.Substitution => "'${'",
        HoconTokenKind.OptionalSubstitution => "'${?'",
    };
}
