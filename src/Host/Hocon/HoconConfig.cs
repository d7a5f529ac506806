// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Globalization;

namespace KvmActors.Host.Hocon;

/// <summary>A resolved configuration, read by path and type.</summary>
/// <remarks>Remembers which paths were read, so that a test can compare them with those written.</remarks>
internal sealed class HoconConfig(HoconValue.Object root)
{
    private readonly SortedSet<string> _read = new(StringComparer.Ordinal);

    public HoconValue.Object Root { get; } = root;

    /// <summary>Every path that was asked for.</summary>
    public IReadOnlySet<string> PathsRead => _read;

    public HoconValue? Find(string path)
    {
        _read.Add(path);
        HoconValue? at = Root;
        foreach (string key in path.Split('.'))
        {
            at = at is HoconValue.Object { Fields: { } fields } && fields.TryGetValue(key, out HoconValue? next)
                ? next
                : null;
        }

        return at;
    }

    /// <exception cref="HoconException">Missing, or no string, number or boolean.</exception>
    public string GetText(string path) => Scalar(path, "text", "Give it a value.").Text;

    /// <summary>As <see cref="GetText"/>, with an empty text as null.</summary>
    public string? GetOptionalText(string path) => GetText(path) is { Length: > 0 } text ? text : null;

    /// <exception cref="HoconException">None of true, yes, on, false, no and off.</exception>
    public bool GetBoolean(string path)
    {
        HoconValue.Scalar value = Scalar(path, "true or false", "Write true or false.");
        return value.Text switch
        {
            "true" or "yes" or "on" => true,
            "false" or "no" or "off" => false,
            _ => throw Wrong(path, value, "true or false", "Write true or false."),
        };
    }

    /// <exception cref="HoconException">No whole number, or out of its bounds.</exception>
    public long GetInteger(string path, long least, long most)
    {
        string expected = string.Create(CultureInfo.InvariantCulture, $"a whole number from {least} to {most}");
        HoconValue.Scalar value = Scalar(path, expected, "Give it a value.");
        return long.TryParse(value.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
            && number >= least && number <= most
            ? number
            : throw Wrong(path, value, expected, "Change it to a number within these bounds.");
    }

    /// <exception cref="HoconException">No duration, or out of its bounds.</exception>
    public TimeSpan GetDuration(string path, TimeSpan least, TimeSpan most)
    {
        string expected = string.Create(CultureInfo.InvariantCulture, $"a duration from {least:c} to {most:c}");
        HoconValue.Scalar value = Scalar(path, expected, HoconUnits.DurationAdvice);
        return HoconUnits.TryParseDuration(value.Text, out TimeSpan duration) && duration >= least && duration <= most
            ? duration
            : throw Wrong(path, value, expected, HoconUnits.DurationAdvice);
    }

    /// <summary>A size in bytes.</summary>
    /// <exception cref="HoconException">No size, or out of its bounds.</exception>
    public ulong GetSize(string path, ulong least, ulong most)
    {
        string expected = string.Create(CultureInfo.InvariantCulture, $"a size from {least} to {most} bytes");
        HoconValue.Scalar value = Scalar(path, expected, HoconUnits.SizeAdvice);
        return HoconUnits.TryParseSize(value.Text, out ulong bytes) && bytes >= least && bytes <= most
            ? bytes
            : throw Wrong(path, value, expected, HoconUnits.SizeAdvice);
    }

    /// <summary>One of a few words.</summary>
    /// <exception cref="HoconException">None of them.</exception>
    public T GetChoice<T>(string path, ImmutableArray<(string Word, T Value)> choices)
    {
        string expected = "one of " + string.Join(", ", choices.Select(choice => choice.Word));
        HoconValue.Scalar value = Scalar(path, expected, "Choose one of them.");
        foreach ((string word, T meaning) in choices)
        {
            if (string.Equals(word, value.Text, StringComparison.Ordinal))
            {
                return meaning;
            }
        }

        throw Wrong(path, value, expected, "Choose one of them.");
    }

    /// <exception cref="HoconException">No array, or an element that is no text.</exception>
    public ImmutableArray<string> GetTexts(string path)
    {
        HoconValue? value = Find(path);
        ImmutableArray<HoconValue> items =
            value?.AsItems() ?? throw Wrong(path, value, "an array", "Write [ \"one\", \"two\" ].");
        return
        [
            .. items.Select(item => item is HoconValue.Scalar { Kind: not HoconScalarKind.Null } scalar
                ? scalar.Text
                : throw Wrong(path, item, "text in each element", "Write [ \"one\", \"two\" ].")),
        ];
    }

    /// <summary>A fault of the value at <paramref name="path"/>, for checks that are not of its type.</summary>
    public HoconException Wrong(string path, string expected, string advice) =>
        Wrong(path, Find(path), expected, advice);

    private HoconValue.Scalar Scalar(string path, string expected, string advice) =>
        Find(path) is { } value
            ? value as HoconValue.Scalar is { Kind: not HoconScalarKind.Null } scalar
                ? scalar
                : throw Wrong(path, value, expected, advice)
            : throw Wrong(path, value: null, expected, advice);

    private HoconException Wrong(string path, HoconValue? value, string expected, string advice) =>
        new(value?.Origin ?? Root.Origin, $"{expected} for {path}", value?.Describe() ?? "no value", advice);
}
