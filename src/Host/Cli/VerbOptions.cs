// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net;
using KvmActors.Cpu.Cpuid;
using KvmActors.Host.Configuration;
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

    public static Option<ulong?> Count(string name, string description, string helpName = "N") => new(name)
    {
        Description = description,
        HelpName = helpName,
        CustomParser = result => Parse<ulong>(
            result,
            text => CountText.TryParse(text, out ulong count) ? count : null,
            "a whole number",
            CountText.Advice),
    };

    public static Option<int?> Number(string name, string description, int least, int most) => new(name)
    {
        Description = description,
        HelpName = "N",
        CustomParser = result => Parse<int>(
            result,
            text => CountText.TryParse(text, out ulong count) && count >= (ulong)least && count <= (ulong)most
                ? (int)count
                : null,
            string.Create(CultureInfo.InvariantCulture, $"a whole number from {least} to {most}"),
            CountText.Advice),
    };

    /// <summary>More than one is refused where the VM is made, which says why.</summary>
    public static Option<ulong?> Vcpus() => Count("--vcpus", "vCPUs, at most 16 [default: 1]");

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

    /// <summary>Where a verb that talks to a cluster finds it.</summary>
    public const string AtVariable = "KVMACTORS_AT";

    public const string AtRemarks =
        "Any node of the cluster can be asked; what it does not own it passes on. --at, or else the environment's "
        + AtVariable + ",\nnames one. Beyond loopback it asks for a certificate: --cert, or KVMACTORS_CERT.";

    public const string AtDefault = "127.0.0.1:5101";

    /// <param name="name">Another one where --at is a moment.</param>
    public static Option<string?> At(string name = "--at") => new(name)
    {
        Description = $"Link of a node [default: ${AtVariable} or {AtDefault}]",
        HelpName = "HOST:PORT",
        CustomParser = result => LinkText(result),
    };

    /// <summary>The value of an option that names a node.</summary>
    public static string LinkText(ArgumentResult result) =>
        LinkAddress.TryParse(result.Tokens[^1].Value, out IPEndPoint? address) ? address.ToString()
        : LinkAddress.TryParseHost(result.Tokens[^1].Value, out _, out _) ? result.Tokens[^1].Value
        : Refuse(result, "HOST:PORT with an IP address or a name", "Write for example 127.0.0.1:5101.");

    public static Option<string?> Append() => new("--append")
    {
        Description = "Text for the guest's command line, behind the image's name",
        HelpName = "TEXT",
    };

    public static Option<string?> Initrd() => new("--initrd")
    {
        Description = "Initial RAM disk: Linux's initramfs, or a multiboot module",
        HelpName = "FILE",
    };

    public static Option<string?> Cpuid() => new("--cpuid")
    {
        Description = "CPUID of the vCPU, cut down to what the engine executes [default: host]",
        HelpName = CpuidTableSource.Words,
    };

    public static Option<CpuidDialect?> CpuidDialect() => Choice(
        "--cpuid-dialect",
        "Whose rule answers CPUID: today's KVM, or its first of 2007 with leaves that answer in turn [default: kvm]",
        ConfigurationWords.CpuidDialects);

    public static Option<ulong?> RandomSeed(string byDefault) => Count(
        "--random-seed", $"What the numbers of RDRAND and RDSEED come from [default: {byDefault}]");

    private static T? Parse<T>(ArgumentResult result, Func<string, T?> read, string expected, string advice)
        where T : struct
    {
        string text = result.Tokens[^1].Value;
        T? value = read(text);
        if (value is null)
        {
            Refuse(result, expected, advice);
        }

        return value;
    }

    private static string Refuse(ArgumentResult result, string expected, string advice)
    {
        string name = ((OptionResult)result.Parent!).Option.Name;
        result.AddError($"Expected {expected} for {name}, found \"{result.Tokens[^1].Value}\". {advice}");
        return "";
    }
}
