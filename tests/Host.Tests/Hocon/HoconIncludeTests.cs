// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Hocon;

namespace KvmActors.Host.Tests.Hocon;

public sealed class HoconIncludeTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("kvmactors-hocon-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Theory]
    [InlineData("include \"inner.conf\"")]
    [InlineData("include file(\"inner.conf\")")]
    [InlineData("include required(\"inner.conf\")")]
    [InlineData("include required( file( \"inner.conf\" ) )")]
    public void An_included_file_stands_where_the_statement_stands(string statement)
    {
        Write("inner.conf", "x = 10\ny = 11");

        Assert.Equal("""{"a":{"y":12,"x":10}}""", Load($"a {{ y = 1\n{statement}\ny = 12 }}"));
    }

    [Fact]
    public void Substitutions_of_an_included_file_are_looked_up_under_the_including_path_first()
    {
        Write("inner.conf", "x = 10\ny = ${x}\nz = ${root}");

        Assert.Equal(
            """{"root":"r","x":0,"a":{"x":42,"y":42,"z":"r"}}""",
            Load("root = r\nx = 0\na { include \"inner.conf\" }\na { x = 42 }"));
    }

    [Fact]
    public void An_append_in_an_included_file_appends_to_the_key_of_the_including_path()
    {
        Write("inner.conf", "list += 2");

        Assert.Equal("""{"a":{"list":[1,2]}}""", Load("a { list = [1]\ninclude \"inner.conf\" }"));
    }

    [Fact]
    public void Includes_are_relative_to_the_including_file()
    {
        Directory.CreateDirectory(Path.Combine(_directory.FullName, "sub"));
        Write("sub/one.conf", "include \"two.conf\"");
        Write("sub/two.conf", "deep = true");

        Assert.Equal("""{"deep":true}""", Load("include \"sub/one.conf\""));
    }

    [Fact]
    public void A_missing_file_is_silent_unless_it_is_required()
    {
        Assert.Equal("{}", Load("include \"none.conf\""));

        HoconException fault = Assert.Throws<HoconException>(() => Load("include required(\"none.conf\")"));
        Assert.Contains("main.conf:1:1: expected the required file", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_includes_itself_is_an_error()
    {
        HoconException fault = Assert.Throws<HoconException>(() => Load("include \"main.conf\""));

        Assert.Contains("at most 16 files", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_error_in_an_included_file_names_that_file()
    {
        Write("inner.conf", "\nx = [");

        HoconException fault = Assert.Throws<HoconException>(() => Load("include \"inner.conf\""));

        Assert.EndsWith("inner.conf", fault.Origin.File, StringComparison.Ordinal);
        Assert.Equal(2, fault.Origin.Line);
    }

    [Theory]
    [InlineData("include x")]
    [InlineData("include = 1")]
    [InlineData("include url(\"x\")")]
    [InlineData("include \"x\")")]
    [InlineData("include required(\"x\"")]
    public void Another_form_of_include_is_an_error(string statement)
    {
        HoconException fault = Assert.Throws<HoconException>(() => Load(statement));

        Assert.Contains("include", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a = include", """{"a":"include"}""")]
    [InlineData("a = [ include ]", """{"a":["include"]}""")]
    [InlineData("\"include\" = 1", """{"include":1}""")]
    [InlineData("foo include = 1", """{"foo include":1}""")]
    public void The_word_include_is_only_special_where_a_key_begins(string hocon, string json) =>
        Assert.Equal(json, Load(hocon));

    private string Load(string main)
    {
        Write("main.conf", main);
        return HoconJson.Of(
            HoconDocument.Load(Path.Combine(_directory.FullName, "main.conf")).Resolve(_ => null).Root);
    }

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_directory.FullName, name), text);
}
