// SPDX-License-Identifier: Apache-2.0

using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace KvmActors.Architecture.Tests.Rules;

/// <summary>The inner rooms own interfaces, the outer one the socket, the clock and the disk. What a seed cannot
/// repeat must not be reachable from Cpu, Machine and Actors.</summary>
internal static class PurityRule
{
    private const string AskTheClock = "Take the time from the TimeProvider given from outside.";
    private const string AskTheSeed = "Take the number from outside, so that a seed repeats the run.";
    private const string StayOnExecutor = "Stay on the actor's TaskScheduler.";
    private const string AskTheHost = "Take an interface; Host owns files and processes.";

    private static readonly string[] s_pureFolders = ["src/Cpu", "src/Machine", "src/Actors"];

    private static readonly BannedName[] s_banned =
        [
            new("DateTime.Now", AskTheClock),
            new("DateTime.UtcNow", AskTheClock),
            new("DateTime.Today", AskTheClock),
            new("DateTimeOffset.Now", AskTheClock),
            new("DateTimeOffset.UtcNow", AskTheClock),
            new("TimeProvider.System", AskTheClock),
            new("Stopwatch", AskTheClock),
            new("Environment.TickCount", AskTheClock),
            new("Environment.TickCount64", AskTheClock),
            new("Guid.NewGuid", AskTheSeed),
            new("Random.Shared", AskTheSeed),
            new("RandomNumberGenerator", AskTheSeed),
            new("Task.Run", StayOnExecutor),
            new("Task.Delay", "Use a timer of the kernel, which a test can move."),
            new("Parallel", StayOnExecutor),
            new("Thread", StayOnExecutor),
            new("ThreadPool", StayOnExecutor),
            new("File", AskTheHost),
            new("FileStream", AskTheHost),
            new("Directory", AskTheHost),
            new("Process", AskTheHost),
            new("Socket", AskTheHost),
            new("HttpClient", AskTheHost),
            new("Console.Error", AskTheHost),
            new("Console.In", AskTheHost),
            new("Console.Out", AskTheHost),
            new("Console.Write", AskTheHost),
            new("Console.WriteLine", AskTheHost),
        ];

    private static readonly BannedName[] s_bannedInDecisions =
        [
            new("Task", "A decision and a fold are pure functions."),
            new("ValueTask", "A decision and a fold are pure functions."),
            new("ILogger", "Return what happened; the shell logs it."),
        ];

    public static IEnumerable<Finding> Check(SourceFile file)
    {
        if (!file.IsIn(s_pureFolders))
        {
            return [];
        }

        IEnumerable<Finding> findings = BannedName.Check(file, s_banned).Concat(CheckConfigureAwait(file));
        return IsDecision(file) ? findings.Concat(BannedName.Check(file, s_bannedInDecisions)) : findings;
    }

    /// <summary>No task and no logger in the processor and the machine, nor in what actors decide and fold.</summary>
    private static bool IsDecision(SourceFile file) =>
        file.IsIn("src/Cpu", "src/Machine")
        || file.Name.EndsWith("Decider", StringComparison.Ordinal)
        || file.Name.EndsWith("State", StringComparison.Ordinal);

    private static IEnumerable<Finding> CheckConfigureAwait(SourceFile file) =>
        from call in file.Syntax.DescendantNodes().OfType<InvocationExpressionSyntax>()
        where call.Expression is MemberAccessExpressionSyntax { Name.Identifier.Text: "ConfigureAwait" }
        where call.ArgumentList.Arguments is [{ Expression: var argument }]
            && argument.IsKind(SyntaxKind.FalseLiteralExpression)
        select file.At(call, $"ConfigureAwait(false) leaves the actor. {StayOnExecutor}");
}
