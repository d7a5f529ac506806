// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace KvmActors.Persistence.Journal;

/// <summary>The message of a broken rule, which costs nothing while the rule holds.</summary>
[InterpolatedStringHandler]
internal readonly ref struct RuleText
{
    private readonly StringBuilder? _text;

    public RuleText(int literalLength, int formattedCount, bool condition, out bool isNeeded)
    {
        isNeeded = !condition;
        _text = isNeeded ? new StringBuilder(literalLength + (formattedCount * 16)) : null;
    }

    internal string Text => _text?.ToString() ?? string.Empty;

    public void AppendLiteral(string text) => _text!.Append(text);

    public void AppendFormatted<T>(T value) => _text!.Append(CultureInfo.InvariantCulture, $"{value}");
}
