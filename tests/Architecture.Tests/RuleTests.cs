// SPDX-License-Identifier: Apache-2.0

using KvmActors.Architecture.Tests.Rules;
using Xunit;

namespace KvmActors.Architecture.Tests;

/// <summary>Each rule meets a breach of it and its cure: a rule that finds nothing proves nothing.</summary>
public sealed class RuleTests
{
    [Theory]
    [InlineData("src/Actors/A.cs", "long t = System.DateTime.UtcNow.Ticks;", "DateTime.UtcNow")]
    [InlineData("src/Actors/A.cs", "var t = DateTime.Now;", "DateTime.Now")]
    [InlineData("src/Machine/A.cs", "var w = Stopwatch.StartNew();", "Stopwatch")]
    [InlineData("src/Cpu/A.cs", "var g = Guid.NewGuid();", "Guid.NewGuid")]
    [InlineData("src/Actors/A.cs", "int n = Random.Shared.Next();", "Random.Shared")]
    [InlineData("src/Actors/A.cs", "_ = Task.Run(F);", "Task.Run")]
    [InlineData("src/Actors/A.cs", "_ = System.Threading.Tasks.Task.Delay(5);", "Task.Delay")]
    [InlineData("src/Actors/A.cs", "await F().ConfigureAwait(false);", "ConfigureAwait(false)")]
    [InlineData("src/Machine/A.cs", "var x = File.ReadAllBytes(\"a\");", "File")]
    [InlineData("src/Machine/A.cs", "var x = System.IO.File.ReadAllBytes(\"a\");", "File")]
    [InlineData("src/Cpu/A.cs", "var x = new Thread(F);", "Thread")]
    [InlineData("src/Cpu/A.cs", "Task? x = null;", "Task")]
    [InlineData("src/Actors/Vm/VmDecider.cs", "Task? x = null;", "Task")]
    [InlineData("src/Actors/Vm/VmState.cs", "ILogger? x = null;", "ILogger")]
    [InlineData("src/Machine/A.cs", "var x = Environment.TickCount64;", "Environment.TickCount64")]
    public void Purity_names_the_word_that_leaves_the_room(string path, string statement, string word) =>
        Assert.Contains(PurityRule.Check(Method(path, statement)), finding =>
            finding.Message.StartsWith(word + " ", StringComparison.Ordinal));

    [Theory]
    [InlineData("src/Host/A.cs", "var t = DateTime.UtcNow;")]
    [InlineData("src/Actors/A.cs", "await F();")]
    [InlineData("src/Actors/A.cs", "Task x = F(); var y = exit.Process; string z = \"Task.Run\"; // Thread")]
    [InlineData("src/Actors/A.cs", "var t = clock.GetUtcNow();")]
    public void Purity_lets_other_rooms_and_other_words_pass(string path, string statement) =>
        Assert.Empty(PurityRule.Check(Method(path, statement)));

    [Theory]
    [InlineData("src/Machine/A.cs", "unsafe { }", 3)]
    [InlineData("src/Machine/A.cs", "MemoryMarshal.Cast<byte, int>(x);", 3)]
    [InlineData("src/Cpu/State/A.cs", "unsafe { }", 2)]
    [InlineData("src/Cpu/State/A.cs", "unsafe { } // JUSTIFICATION: none", 2)]
    [InlineData("src/Cpu/State/A.cs", "// JUSTIFICATION: x\n// SAFETY: y\nunsafe { }", 0)]
    [InlineData("src/Host/A.cs", "// JUSTIFICATION: x\n// SAFETY: y\nunsafe { }", 0)]
    [InlineData("src/Machine/A.cs", "checked { }", 0)]
    public void Unchecked_code_needs_its_place_and_its_reasons(string path, string statement, int findings) =>
        Assert.Equal(findings, UnsafeRule.Check([Method(path, statement)]).Count());

    [Fact]
    public void A_project_has_one_native_call_file()
    {
        const string Reasons = "// JUSTIFICATION: x\n// SAFETY: y\nunsafe { }";

        string[] paths = ["src/Host/A.cs", "src/Host/B.cs", "src/Persistence/C.cs"];

        Finding finding = Assert.Single(UnsafeRule.Check(paths.Select(path => Method(path, Reasons))));

        Assert.Equal("src/Host/B.cs", finding.File);
    }

    [Theory]
    [InlineData("// " + "TO" + "DO: later")]
    [InlineData("throw new NotImplementedException();")]
    public void Unfinished_work_is_found(string statement) =>
        Assert.Single(TextRule.Check(Method("src/Host/A.cs", statement)));

    [Fact]
    public void An_empty_documentation_tag_and_a_missing_licence_are_found() =>
        Assert.Equal(
            2, TextRule.Check(new SourceFile("src/Host/A.cs", "/// <summary> </summary>\nclass A;\n")).Count());

    [Theory]
    [InlineData("src/Actors/A.cs", "Debug.Assert(true);")]
    [InlineData("src/Host/A.cs", "var c = Channel.CreateUnbounded<int>();")]
    [InlineData("tests/A.Tests/A.cs", "System.Threading.Thread.Sleep(1);")]
    [InlineData("src/Host/A.cs", "logger.LogInformation(\"x\");")]
    [InlineData("src/Host/A.cs", "var x = new BinaryFormatter();")]
    [InlineData("src/Actors/A.cs", "var x = System.Activator.CreateInstance(type);")]
    [InlineData("src/Host/A.cs", "var x = Type.GetType(name);")]
    [InlineData("src/Persistence/A.cs", "options.TypeInfoResolver = new JsonTypeInfoResolver();")]
    [InlineData("src/Host/A.cs", "var x = new Settings { TypeNameHandling = 4 };")]
    public void Calls_this_house_does_not_make_are_found(string path, string statement) =>
        Assert.Single(CallRule.Check(Method(path, statement)));

    [Fact]
    public void A_long_method_is_found_and_a_long_table_is_not()
    {
        string statements = string.Concat(Enumerable.Repeat("F();\n", SizeRule.MethodLinesMax));
        string arms = string.Concat(Enumerable.Range(0, 2 * SizeRule.MethodLinesMax).Select(n => $"{n} => {n},\n"));

        Assert.Single(SizeRule.Check(Method("src/Host/A.cs", statements)));
        Assert.Empty(SizeRule.Check(Method("src/Host/A.cs", $"_ = x switch\n{{\n{arms}}};")));
    }

    [Fact]
    public void A_long_line_and_a_long_file_are_found()
    {
        SourceFile wide = new("src/Host/A.cs", "// " + new string('x', SizeRule.ColumnsMax) + "\n");
        SourceFile tall = new("src/Host/A.cs", new string('\n', SizeRule.FileLinesMax + 1));

        Assert.Single(SizeRule.Check(wide));
        Assert.Single(SizeRule.Check(tall));
    }

    [Theory]
    [InlineData("src/Host/B.cs", "class A;", 1)]
    [InlineData("src/Host/A.cs", "class A;", 0)]
    [InlineData("src/Host/A.cs", "class A;\nclass B;", 1)]
    [InlineData("src/Host/A.cs", "interface A { B F(); }\nrecord B;", 0)]
    [InlineData("src/Host/A.cs", "class A<T>;\nclass A;", 0)]
    [InlineData("src/Host/A.cs", "interface A;\nrecord B;", 1)]
    [InlineData("tests/A.Tests/A.cs", "class A;\nclass B;", 0)]
    public void A_file_holds_one_type_and_its_companions(string path, string types, int findings) =>
        Assert.Equal(findings, ShapeRule.Check(new SourceFile(path, types)).Count());

    [Theory]
    [InlineData("src/Host/A.cs", "namespace KvmActors.Cpu;", 1)]
    [InlineData("src/Host/Demo/A.cs", "namespace KvmActors.Host.Demo;", 0)]
    [InlineData("samples/Guests/A.cs", "namespace KvmActors.Samples.Guests;", 0)]
    [InlineData("src/Host/Helpers/A.cs", "class A;", 1)]
    [InlineData("src/Host/A.cs", "class TimeUtils;", 1)]
    public void Names_follow_folders_and_mean_something(string path, string text, int findings) =>
        Assert.Equal(findings, NamespaceRule.Check(new SourceFile(path, text)).Count());

    [Theory]
    [InlineData("[a](b.md)", 1)]
    [InlineData("[a](README.md)", 0)]
    [InlineData("[a](docs/glossary.md#the-processor)", 0)]
    [InlineData("[a](docs/glossary.md#the-processors)", 1)]
    [InlineData("`[a](b.md)` [a](https://example.org/b.md)", 0)]
    public void A_link_that_leads_nowhere_is_found(string line, int findings) =>
        Assert.Equal(findings, LinkRule.Check(new SourceFile("page.md", line)).Count());

    [Theory]
    [InlineData("cd /ho" + "me/someone/clone", 1)]
    [InlineData("source: https://api.nu" + "get.org/v3", 1)]
    [InlineData("src/home/page and https://example.org/home/page", 0)]
    public void A_private_path_or_package_host_is_found(string line, int findings) =>
        Assert.Equal(findings, PrivateTextRule.Check(new SourceFile("page.md", line)).Count());

    [Theory]
    [InlineData("```csharp\nF();\n```", 1)]
    [InlineData("<!-- from A.cs -->\n```csharp\nF();\n\n  G();\n```", 0)]
    [InlineData("<!-- from A.cs -->\n```csharp\nF();\nH();\n```", 1)]
    [InlineData("<!-- from B.cs -->\n```csharp\nF();\n```", 1)]
    public void Code_in_a_page_that_is_compiled_nowhere_is_found(string text, int findings) => Assert.Equal(
        findings,
        SnippetRule.Check(new SourceFile("page.md", text), path => path == "A.cs" ? "  F();\n  G();" : null).Count());

    private static SourceFile Method(string path, string statements) =>
        new(path, $"{TextRule.Licence}\n\nclass A\n{{\nasync void M() {{\n{statements}\n}}\n}}\n");
}
