// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using KvmActors.Host.Cli;

namespace KvmActors.Host.Tests.Cli;

public sealed class VerbTests
{
    public static TheoryData<string> Verbs => [.. All(Root(), "").Select(verb => verb.Path)];

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task Every_verb_has_a_description_json_and_examples_of_itself(string path)
    {
        (string _, Command verb) = All(Root(), "").Single(found => found.Path == path);
        CliRun help = await CliRun.OfAsync([.. path.Split(' '), "--help"]);

        Assert.Equal((0, ""), (help.ExitCode, help.Error));
        Assert.EndsWith(".", verb.Description, StringComparison.Ordinal);
        Assert.Contains(verb.Options, option => option.Name == "--json");
        VerbCommand described = Assert.IsType<VerbCommand>(verb);
        Assert.NotEmpty(described.Examples);
        Assert.All(
            described.Examples.Where(example => !example.StartsWith('#')),
            example => Assert.Contains($"kvmactors {path}", example, StringComparison.Ordinal));
        Assert.Contains("Examples:", help.Out, StringComparison.Ordinal);
        Assert.DoesNotMatch(@"\[default: .*\[default: ", help.Out);
        Assert.All(verb.Options, option => Assert.False(string.IsNullOrEmpty(option.Description), option.Name));
    }

    [Theory]
    [MemberData(nameof(Verbs))]
    public void Every_example_parses(string path)
    {
        var verb = (VerbCommand)All(Root(), "").Single(found => found.Path == path).Command;

        foreach (string example in verb.Examples.Where(example => !example.StartsWith('#')))
        {
            string command = example.Split(" | ").Single(
                part => part.StartsWith($"kvmactors {path}", StringComparison.Ordinal));
            string arguments = command["kvmactors ".Length..].Split(" > ")[0];
            ParseResult parsed = Root().Parse(arguments);

            Assert.Empty(parsed.Errors);
            Assert.Equal(verb.Name, parsed.CommandResult.Command.Name);
        }
    }

    [Theory]
    [MemberData(nameof(Verbs))]
    public void A_wrong_value_is_answered_with_what_was_expected(string path)
    {
        Command verb = All(Root(), "").Single(found => found.Path == path).Command;
        foreach (Option option in verb.Options.Where(option => option.ValueType != typeof(bool)
            && option.ValueType != typeof(string) && option.ValueType != typeof(string[])
            && option.Name != "--help"))
        {
            ParseResult parsed = Root().Parse([.. path.Split(' '), option.Name, "x!?"]);

            string[] messages = [.. parsed.Errors.Select(error => error.Message)];
            Assert.DoesNotContain(messages, text => text.Contains("System.", StringComparison.Ordinal));
            Assert.Contains(messages, text => text.StartsWith("Expected ", StringComparison.Ordinal)
                && text.Contains($"for {option.Name}, found \"x!?\"", StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("0", 0UL)]
    [InlineData("250000000", 250_000_000UL)]
    [InlineData("250_000_000", 250_000_000UL)]
    [InlineData("257,733,041", 257_733_041UL)]
    [InlineData("250M", 250_000_000UL)]
    [InlineData("1.5k", 1_500UL)]
    [InlineData("18446744073709551615", ulong.MaxValue)]
    public void A_count_is_read_as_people_write_it(string text, ulong expected)
    {
        Assert.True(CountText.TryParse(text, out ulong count));
        Assert.Equal(expected, count);
    }

    [Theory]
    [InlineData("")]
    [InlineData("M")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("0x10")]
    [InlineData("_1")]
    [InlineData("1_")]
    [InlineData("18446744073709551616")]
    [InlineData("99999999999999999999999999999999M")]
    public void What_is_no_count_is_refused(string text) => Assert.False(CountText.TryParse(text, out _));

    [Fact]
    public async Task An_unknown_verb_is_wrong_usage()
    {
        CliRun run = await CliRun.OfAsync("jurnal");

        Assert.Equal(CliFault.Usage, run.ExitCode);
        Assert.Equal(
            "kvmactors: Unrecognized command or argument 'jurnal'.\nTry: kvmactors --help\n", run.Error);
        Assert.Empty(run.Out);
    }

    [Fact]
    public async Task No_verb_is_wrong_usage_and_names_those_there_are()
    {
        CliRun run = await CliRun.OfAsync("journal");

        Assert.Equal(CliFault.Usage, run.ExitCode);
        Assert.Contains(
            "Expected a verb behind kvmactors journal, found none. Choose one of: list, show, verify",
            run.Error,
            StringComparison.Ordinal);
    }

    private static RootCommand Root() => KvmActorsProgram.Build(
        new CliTerminal(Stream.Null, Stream.Null, Stream.Null, false, false, noColour: true));

    private static IEnumerable<(string Path, Command Command)> All(Command command, string path)
    {
        if (command.Subcommands.Count == 0)
        {
            yield return (path, command);
        }

        foreach (Command verb in command.Subcommands)
        {
            foreach ((string, Command) inner in All(verb, path.Length == 0 ? verb.Name : $"{path} {verb.Name}"))
            {
                yield return inner;
            }
        }
    }
}
