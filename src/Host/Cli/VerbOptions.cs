// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using KvmActors.Host.Hocon;

namespace KvmActors.Host.Cli;

/// <summary>Options that several verbs have, and the types of value that HOCON has too.</summary>
internal static class VerbOptions
{
    public static Option<bool> Json(string what) => new("--json") { Description = $"Print {what} as JSON" };

    public static Option<ulong?> Size(string name, string description, ulong least, ulong most) => new(name)
    {
        Description = description,
        HelpName = "SIZE",
        CustomParser = result => Parse<ulong>(
            result,
            text => HoconUnits.TryParseSize(text, out ulong bytes) && bytes >= least && bytes <= most ? bytes : null,
            string.Create(CultureInfo.InvariantCulture, $"a size from {least} to {most} bytes"),
            HoconUnits.SizeAdvice),
    };

    public static Option<TimeSpan?> Duration(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "DURATION",
        CustomParser = result => Parse<TimeSpan>(
            result,
            text => HoconUnits.TryParseDuration(text, out TimeSpan duration) && duration > TimeSpan.Zero
                ? duration
                : null,
            "a duration above 0",
            HoconUnits.DurationAdvice),
    };

    public static Option<T?> Choice<T>(
        string name, string description, ImmutableArray<(string Word, T Value)> choices)
        where T : struct => new(name)
        {
            Description = description,
            HelpName = string.Join('|', choices.Select(choice => choice.Word)),
            CustomParser = result => Parse(
                result,
                text => choices.Where(choice => choice.Word == text).Select(choice => (T?)choice.Value)
                    .FirstOrDefault(),
                $"one of {string.Join(", ", choices.Select(choice => choice.Word))}",
                "Choose one of them."),
        };

    public static Option<string?> Cpuid() => new("--cpuid")
    {
        Description = "CPUID of the vCPU: that of this machine's CPU or of a file (cpuid -r), "
            + "cut down to what the engine executes [default: host]",
        HelpName = "host|FILE",
    };

    private static T? Parse<T>(ArgumentResult result, Func<string, T?> read, string expected, string advice)
        where T : struct
    {
        string text = result.Tokens[^1].Value;
        T? value = read(text);
        if (value is null)
        {
            result.AddError(
                $"Expected {expected} for {((OptionResult)result.Parent!).Option.Name}, found \"{text}\". {advice}");
        }

        return value;
    }
}
