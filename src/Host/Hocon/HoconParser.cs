// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Text;
using System.Text.RegularExpressions;

namespace KvmActors.Host.Hocon;

/// <summary>Builds the tree of one file from its tokens; included files become part of it.</summary>
/// <remarks>Source: HOCON.md of lightbend/config. Left out: url() and classpath() includes, .properties files, and an
/// array as the root of a file.</remarks>
internal sealed partial class HoconParser
{
    private readonly List<HoconToken> _tokens;
    private readonly HoconIncludes _includes;
    private readonly ImmutableArray<string> _prefix;
    private readonly Stack<string> _path = new();
    private int _at;
    private int _nesting;

    private HoconParser(List<HoconToken> tokens, HoconIncludes includes, ImmutableArray<string> prefix)
    {
        _tokens = tokens;
        _includes = includes;
        _prefix = prefix;
    }

    private HoconToken Current => _tokens[_at];

    /// <param name="prefix">Path of the object that includes this text, empty for a file of its own.</param>
    /// <exception cref="HoconException">The first thing in the text that is not HOCON.</exception>
    public static HoconNode.Object Parse(
        string file, string text, HoconIncludes includes, ImmutableArray<string> prefix)
    {
        HoconParser parser = new(HoconLexer.Tokenize(file, text), includes, prefix);
        return parser.ParseRoot();
    }

    private HoconNode.Object ParseRoot()
    {
        SkipNewlines();
        HoconNode.Object root = new(Current.Origin);
        if (Current.Kind == HoconTokenKind.OpenBracket)
        {
            throw Unexpected("an object or its fields at the root", "Give the array a key, as in: name = [ … ].");
        }

        if (Current.Kind == HoconTokenKind.OpenBrace)
        {
            _at++;
            ParseFields(root, HoconTokenKind.CloseBrace);
            _at++;
            SkipNewlines();
        }
        else
        {
            ParseFields(root, HoconTokenKind.End);
        }

        return Current.Kind == HoconTokenKind.End
            ? root
            : throw Unexpected("the end of the file", "Look for a brace too many, or remove what follows.");
    }

    /// <summary>Reads fields up to <paramref name="closing"/>, and stays on it.</summary>
    private void ParseFields(HoconNode.Object target, HoconTokenKind closing)
    {
        Enter();
        SkipNewlines();
        while (Current.Kind != closing)
        {
            if (IsInclude())
            {
                ParseInclude(target);
            }
            else
            {
                ParseField(target);
            }

            EndElement(closing, "a field");
        }

        _nesting--;
    }

    private bool IsInclude() => Current is { Kind: HoconTokenKind.Unquoted, Text: "include" };

    /// <summary><c>include "x"</c>, <c>include file("x")</c>, and both inside <c>required(…)</c>.</summary>
    private void ParseInclude(HoconNode.Object target)
    {
        const string Advice = "Write: include \"file.conf\", include file(\"…\") or include required(\"…\").";
        HoconOrigin statement = Current.Origin;
        _at++;
        SkipNewlines();
        string opening = ReadUnquotedRun();
        if (Current.Kind != HoconTokenKind.Quoted || opening is not ("" or "file(" or "required(" or "required(file("))
        {
            throw Unexpected("a file name in double quotes", Advice);
        }

        string name = Current.Text;
        _at++;
        HoconToken behind = Current;
        if (ReadUnquotedRun() != new string(')', opening.Count(c => c == '(')))
        {
            throw new HoconException(
                behind.Origin, "the include statement to end here", behind.Describe(), Advice);
        }

        ImmutableArray<string> prefix = [.. _prefix, .. _path.Reverse()];
        bool isRequired = opening.StartsWith("required", StringComparison.Ordinal);
        HoconNode.Object? included = _includes.Load(statement, name, isRequired, prefix);
        foreach ((string key, HoconField field) in included?.Fields ?? [])
        {
            foreach (HoconNode value in field.Stack)
            {
                target.FieldOf(key).Push(value);
            }
        }
    }

    private string ReadUnquotedRun()
    {
        StringBuilder text = new();
        while (Current.Kind == HoconTokenKind.Unquoted)
        {
            text.Append(Current.Text);
            _at++;
        }

        return text.ToString();
    }

    private void ParseField(HoconNode.Object target)
    {
        ImmutableArray<string> key = ParsePath("a key");
        HoconToken separator = Current;
        switch (separator.Kind)
        {
            case HoconTokenKind.Colon or HoconTokenKind.Equals or HoconTokenKind.PlusEquals:
                _at++;
                SkipNewlines();
                break;
            case HoconTokenKind.OpenBrace:
                break;
            default:
                throw Unexpected(
                    $"'=', ':', '+=' or '{{' after the key {string.Join('.', key)}", "Write: key = value.");
        }

        foreach (string element in key)
        {
            _path.Push(element);
        }

        HoconNode value = ParseValue();
        if (separator.Kind == HoconTokenKind.PlusEquals)
        {
            value = AppendToItself(separator.Origin, value);
        }

        foreach (string _ in key)
        {
            _path.Pop();
        }

        target.Add(key.AsSpan(), value);
    }

    /// <summary><c>a += b</c> is <c>a = ${?a} [b]</c>.</summary>
    private HoconNode.Concatenation AppendToItself(HoconOrigin origin, HoconNode value)
    {
        ImmutableArray<string> self = [.. _path.Reverse()];
        return new HoconNode.Concatenation(
            origin,
            [
                new HoconNode.Substitution(origin, self, _prefix, isOptional: true),
                new HoconNode.Array(origin, [value]),
            ]);
    }

    /// <summary>Reads values side by side up to the end of the line, a comma or a closing bracket.</summary>
    private HoconNode ParseValue()
    {
        HoconOrigin origin = Current.Origin;
        List<HoconNode> parts = [];
        while (StartsValue(Current.Kind))
        {
            if (parts.Count > 0 && Current.Before.Length > 0)
            {
                parts.Add(new HoconNode.Scalar(Current.Origin, Current.Before, HoconScalarKind.Text, isBlank: true));
            }

            parts.Add(ParsePart());
        }

        if (parts.Count == 0)
        {
            throw Unexpected("a value", "Write a string, a number, true, false, null, { … }, [ … ] or ${path}.");
        }

        return parts.Count == 1 ? parts[0] : Concatenate(origin, parts);
    }

    private static bool StartsValue(HoconTokenKind kind) => kind is HoconTokenKind.Unquoted
        or HoconTokenKind.Quoted or HoconTokenKind.Substitution or HoconTokenKind.OptionalSubstitution
        or HoconTokenKind.OpenBrace or HoconTokenKind.OpenBracket;

    private HoconNode ParsePart()
    {
        HoconToken token = Current;
        _at++;
        switch (token.Kind)
        {
            case HoconTokenKind.Quoted:
                return new HoconNode.Scalar(token.Origin, token.Text, HoconScalarKind.Text);
            case HoconTokenKind.Unquoted:
                return new HoconNode.Scalar(token.Origin, token.Text, KindOf(token.Text));
            case HoconTokenKind.OpenBrace:
                HoconNode.Object fields = new(token.Origin);
                ParseFields(fields, HoconTokenKind.CloseBrace);
                _at++;
                return fields;
            case HoconTokenKind.OpenBracket:
                return ParseArray(token.Origin);
            default:
                return ParseSubstitution(token);
        }
    }

    private HoconNode.Array ParseArray(HoconOrigin origin)
    {
        Enter();
        List<HoconNode> items = [];
        SkipNewlines();
        while (Current.Kind != HoconTokenKind.CloseBracket)
        {
            items.Add(ParseValue());
            EndElement(HoconTokenKind.CloseBracket, "an element");
        }

        _at++;
        _nesting--;
        return new HoconNode.Array(origin, [.. items]);
    }

    private HoconNode.Substitution ParseSubstitution(HoconToken opening)
    {
        ImmutableArray<string> path = ParsePath("a path");
        if (Current.Kind != HoconTokenKind.CloseBrace)
        {
            throw Unexpected("'}' after the path", "Write: ${path}, with no substitution inside.");
        }

        _at++;
        return new HoconNode.Substitution(
            opening.Origin, path, _prefix, opening.Kind == HoconTokenKind.OptionalSubstitution);
    }

    /// <summary>Texts side by side are one path; a dot outside of quotes separates its elements.</summary>
    private ImmutableArray<string> ParsePath(string what)
    {
        HoconToken first = Current;
        List<string> elements = [];
        StringBuilder element = new();
        bool hasQuotes = false;
        while (Current.IsText)
        {
            if (_at > 0 && Current.Origin != first.Origin)
            {
                element.Append(Current.Before);
            }

            if (Current.Kind == HoconTokenKind.Quoted)
            {
                element.Append(Current.Text);
                hasQuotes = true;
                _at++;
                continue;
            }

            foreach (char c in Current.Text)
            {
                if (c == '.')
                {
                    elements.Add(Element(first, element, hasQuotes));
                    element.Clear();
                    hasQuotes = false;
                }
                else
                {
                    element.Append(c);
                }
            }

            _at++;
        }

        if (Current.Origin == first.Origin)
        {
            throw Unexpected(what, "Write names separated by dots; quote what holds other characters.");
        }

        elements.Add(Element(first, element, hasQuotes));
        return [.. elements];
    }

    private static string Element(HoconToken first, StringBuilder element, bool hasQuotes) =>
        element.Length > 0 || hasQuotes
            ? element.ToString()
            : throw new HoconException(
                first.Origin,
                "a name before, between and after the dots of a path",
                $"an empty one near {first.Describe()}",
                "Remove the dot, or write \"\" for an empty name.");

    /// <summary>After a field or an element: a comma, an end of line, both, or what closes.</summary>
    private void EndElement(HoconTokenKind closing, string what)
    {
        bool hasNewline = Current.Kind == HoconTokenKind.Newline;
        SkipNewlines();
        if (Current.Kind == HoconTokenKind.Comma)
        {
            _at++;
            SkipNewlines();
            return;
        }

        if (!hasNewline && Current.Kind != closing)
        {
            string end = closing switch
            {
                HoconTokenKind.CloseBrace => "'}'",
                HoconTokenKind.CloseBracket => "']'",
                _ => "the end of the file",
            };
            throw Unexpected($"a comma, a new line or {end} after {what}", "Separate them, or close what is open.");
        }
    }

    private void Enter()
    {
        if (++_nesting > HoconLimits.NestingMax)
        {
            throw Unexpected($"at most {HoconLimits.NestingMax} levels of nesting", "Make the file flatter.");
        }
    }

    private void SkipNewlines()
    {
        while (Current.Kind == HoconTokenKind.Newline)
        {
            _at++;
        }
    }

    private HoconException Unexpected(string expected, string advice) =>
        new(Current.Origin, expected, Current.Describe(), advice);

    /// <summary>Simple values side by side are one string at once; anything else waits for the substitutions.</summary>
    private static HoconNode Concatenate(HoconOrigin origin, List<HoconNode> parts) =>
        parts.All(part => part is HoconNode.Scalar)
            ? new HoconNode.Scalar(
                origin, string.Concat(parts.Select(part => ((HoconNode.Scalar)part).Text)), HoconScalarKind.Text)
            : new HoconNode.Concatenation(origin, [.. parts]);

    private static HoconScalarKind KindOf(string text) => text switch
    {
        "true" or "false" => HoconScalarKind.Boolean,
        "null" => HoconScalarKind.Null,
        _ => JsonNumber().IsMatch(text) ? HoconScalarKind.Number : HoconScalarKind.Text,
    };

    [GeneratedRegex(@"\A-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\z")]
    private static partial Regex JsonNumber();
}
