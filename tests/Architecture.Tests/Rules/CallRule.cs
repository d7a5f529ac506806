// SPDX-License-Identifier: Apache-2.0

using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace KvmActors.Architecture.Tests.Rules;

/// <summary>Calls that this house does not make, whatever the folder's purity.</summary>
internal static class CallRule
{
    /// <summary>What makes objects of a type that the data names, or that only run time knows.</summary>
    private static readonly string[] s_polymorphic =
    [
        "BinaryFormatter", "SoapFormatter", "LosFormatter", "ObjectStateFormatter", "NetDataContractSerializer",
        "DataContractSerializer", "DataContractJsonSerializer", "XmlSerializer", "JavaScriptSerializer",
        "TypeNameHandling", "JsonPolymorphic", "JsonPolymorphicAttribute", "JsonDerivedType",
        "JsonDerivedTypeAttribute", "JsonPolymorphismOptions", "JsonTypeInfoResolver", "Activator.CreateInstance",
        "Type.GetType", "Assembly.Load", "Assembly.LoadFrom", "Assembly.LoadFile", "Assembly.GetType",
        "RuntimeHelpers.GetUninitializedObject", "Any.Unpack",
    ];

    private static readonly BannedName[] s_inProduct =
        [
            new("Channel.CreateUnbounded", "Everything has a bound with a name: Channel.CreateBounded."),
            .. s_polymorphic.Select(name => new BannedName(
                name, "Bytes from outside never choose a type: decode into one that the code names.")),
        ];

    private static readonly BannedName[] s_inPersistenceAndActors =
        [
            new("Debug.Assert", "An invariant holds in Release too: throw its sentence."),
        ];

    private static readonly BannedName[] s_inTests =
        [
            new("Thread.Sleep", "Move virtual time, or wait for the event with a bound."),
        ];

    private static readonly string[] s_logCalls =
        ["LogCritical", "LogDebug", "LogError", "LogInformation", "LogTrace", "LogWarning"];

    public static IEnumerable<Finding> Check(SourceFile file)
    {
        List<BannedName> banned = [];
        banned.AddRange(file.IsIn("src", "samples") ? s_inProduct : []);
        banned.AddRange(file.IsIn("src/Persistence", "src/Actors") ? s_inPersistenceAndActors : []);
        banned.AddRange(file.IsIn("tests") ? s_inTests : []);
        return BannedName.Check(file, banned).Concat(CheckLogging(file));
    }

    /// <summary>Log lines are declared with [LoggerMessage] in one file a project, so that they can be read
    /// together.</summary>
    private static IEnumerable<Finding> CheckLogging(SourceFile file)
    {
        if (!file.IsIn("src"))
        {
            yield break;
        }

        foreach (SimpleNameSyntax name in file.Syntax.DescendantNodes().OfType<SimpleNameSyntax>())
        {
            bool isAdHoc = s_logCalls.Contains(name.Identifier.Text) && name.Parent is MemberAccessExpressionSyntax;
            bool isDeclaration = name.Identifier.Text == "LoggerMessage" && name.Parent is AttributeSyntax;
            if (isAdHoc)
            {
                yield return file.At(
                    name, $"{name} is written in place. Declare the line with [LoggerMessage] in a *Log.cs.");
            }

            if (isDeclaration && !file.Name.EndsWith("Log", StringComparison.Ordinal))
            {
                yield return file.At(
                    name, "A log line declared outside a *Log.cs. Move it to the project's log file.");
            }
        }
    }
}
