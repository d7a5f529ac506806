// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Hocon;

internal enum HoconTokenKind
{
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,
    Comma,
    Colon,
    Equals,
    PlusEquals,

    /// <summary>One or more line ends, comments included.</summary>
    Newline,

    /// <summary>Text without quotes: also numbers, true, false and null.</summary>
    Unquoted,

    /// <summary>Text in quotes or triple quotes, escapes already replaced.</summary>
    Quoted,

    /// <summary><c>${</c></summary>
    Substitution,

    /// <summary><c>${?</c></summary>
    OptionalSubstitution,

    End,
}
