// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Text;

namespace KvmActors.Host.Hocon;

/// <summary>Cuts a file into tokens.</summary>
/// <remarks>Source: HOCON.md of lightbend/config, "Syntax". Numbers, true, false and null stay text here: only a value
/// that stands alone is one of these.</remarks>
internal sealed class HoconLexer
{
    private const string Forbidden = "$\"{}[]:=,+#`^?!@*&\\";

    private readonly string _file;
    private readonly string _text;
    private int _at;
    private int _line = 1;
    private int _lineStart;

    private HoconLexer(string file, string text)
    {
        _file = file;
        _text = text;
    }

    private char Current => _at < _text.Length ? _text[_at] : '\0';

    private HoconOrigin Here => new(_file, _line, _at - _lineStart + 1);

    /// <exception cref="HoconException">A character or a string that HOCON does not know.</exception>
    public static List<HoconToken> Tokenize(string file, string text)
    {
        if (text.Length > HoconLimits.FileCharsMax)
        {
            throw new HoconException(
                new HoconOrigin(file, 1, 1),
                $"a file of at most {HoconLimits.FileCharsMax} characters",
                $"{text.Length}",
                "Split it and use include, or remove what is no configuration.");
        }

        HoconLexer lexer = new(file, text.StartsWith('\uFEFF') ? text[1..] : text);
        List<HoconToken> tokens = [];
        HoconToken token;
        do
        {
            token = lexer.Next();
            tokens.Add(token);
        }
        while (token.Kind != HoconTokenKind.End);

        return tokens;
    }

    private HoconToken Next()
    {
        string before = ReadBlanks();
        HoconOrigin origin = Here;
        if (_at >= _text.Length)
        {
            return new HoconToken(HoconTokenKind.End, "", before, origin);
        }

        if (Current == '\n')
        {
            SkipNewlines();
            return new HoconToken(HoconTokenKind.Newline, "\n", before, origin);
        }

        if (Current == '"')
        {
            return new HoconToken(HoconTokenKind.Quoted, ReadQuoted(origin), before, origin);
        }

        return Punctuation() is { } punctuation
            ? new HoconToken(punctuation, Take(LengthOf(punctuation)), before, origin)
            : new HoconToken(HoconTokenKind.Unquoted, ReadUnquoted(origin), before, origin);
    }

    private HoconTokenKind? Punctuation() => Current switch
    {
        '{' => HoconTokenKind.OpenBrace,
        '}' => HoconTokenKind.CloseBrace,
        '[' => HoconTokenKind.OpenBracket,
        ']' => HoconTokenKind.CloseBracket,
        ',' => HoconTokenKind.Comma,
        ':' => HoconTokenKind.Colon,
        '=' => HoconTokenKind.Equals,
        '+' when Follows("+=") => HoconTokenKind.PlusEquals,
        '$' when Follows("${?") => HoconTokenKind.OptionalSubstitution,
        '$' when Follows("${") => HoconTokenKind.Substitution,
        _ => null,
    };

    private static int LengthOf(HoconTokenKind kind) => kind switch
    {
        HoconTokenKind.OptionalSubstitution => 3,
        HoconTokenKind.Substitution or HoconTokenKind.PlusEquals => 2,
        _ => 1,
    };

    private bool Follows(string text) => string.CompareOrdinal(_text, _at, text, 0, text.Length) == 0;

    private string Take(int length)
    {
        string taken = _text.Substring(_at, length);
        _at += length;
        return taken;
    }

    private string ReadBlanks()
    {
        int start = _at;
        while (_at < _text.Length && Current != '\n' && IsBlank(Current))
        {
            _at++;
        }

        string blanks = _text[start.._at];
        if (Current == '#' || Follows("//"))
        {
            int end = _text.IndexOf('\n', _at);
            _at = end < 0 ? _text.Length : end;
        }

        return blanks;
    }

    private void SkipNewlines()
    {
        while (Current == '\n')
        {
            _at++;
            _line++;
            _lineStart = _at;
            ReadBlanks();
        }
    }

    private string ReadUnquoted(HoconOrigin origin)
    {
        int start = _at;
        bool isNumber = char.IsAsciiDigit(Current) || Current == '-';
        while (_at < _text.Length && !IsBlank(Current) && !Follows("//"))
        {
            bool isExponentSign = isNumber && Current == '+' && _at > start && _text[_at - 1] is 'e' or 'E';
            if (Forbidden.Contains(Current, StringComparison.Ordinal) && !isExponentSign)
            {
                break;
            }

            _at++;
        }

        return _at > start
            ? _text[start.._at]
            : throw new HoconException(
                origin, "a key or a value", $"'{Current}'", $"Put text that holds '{Current}' in double quotes.");
    }

    private string ReadQuoted(HoconOrigin origin)
    {
        if (Follows("\"\"\""))
        {
            return ReadTripleQuoted(origin);
        }

        StringBuilder text = new();
        _at++;
        while (Current != '"')
        {
            if (_at >= _text.Length || Current < ' ')
            {
                throw new HoconException(
                    origin,
                    "a closing '\"' on the same line",
                    _at >= _text.Length ? "the end of the file" : $"control character U+{(int)Current:x4} at {Here}",
                    "Close the string, or use \"\"\" for text of several lines.");
            }

            text.Append(Current == '\\' ? ReadEscape() : _text[_at++]);
        }

        _at++;
        return text.ToString();
    }

    private string ReadTripleQuoted(HoconOrigin origin)
    {
        int start = _at + 3;
        int end = _text.IndexOf("\"\"\"", start, StringComparison.Ordinal);
        if (end < 0)
        {
            throw new HoconException(origin, "a closing \"\"\"", "the end of the file", "Close the string.");
        }

        // Quotes before the last three belong to the text.
        while (end + 3 < _text.Length && _text[end + 3] == '"')
        {
            end++;
        }

        for (int i = start; i < end; i++)
        {
            if (_text[i] == '\n')
            {
                _line++;
                _lineStart = i + 1;
            }
        }

        _at = end + 3;
        return _text[start..end];
    }

    private char ReadEscape()
    {
        HoconOrigin origin = Here;
        char letter = _at + 1 < _text.Length ? _text[_at + 1] : '\0';
        _at += 2;
        switch (letter)
        {
            case '"' or '\\' or '/':
                return letter;
            case 'b':
                return '\b';
            case 'f':
                return '\f';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'u' when _at + 4 <= _text.Length && ushort.TryParse(
                _text.AsSpan(_at, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort code):
                _at += 4;
                return (char)code;
            default:
                throw new HoconException(
                    origin,
                    "one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t or \\u and four hexadecimal digits",
                    $"'\\{letter}'",
                    "Write \\\\ for a backslash, or use \"\"\" where nothing is an escape.");
        }
    }

    private static bool IsBlank(char c) =>
        c is (>= '\t' and <= '\r') or (>= '\u001C' and <= '\u001F') or '\uFEFF' || char.IsSeparator(c);
}
