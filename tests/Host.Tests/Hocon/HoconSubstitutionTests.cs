// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Hocon;

namespace KvmActors.Host.Tests.Hocon;

/// <summary>The cases of HOCON.md, "Substitutions" and "Self-Referential Substitutions", in words of our own.</summary>
public sealed class HoconSubstitutionTests
{
    [Theory]
    [InlineData("a = ${b}\nb = 1", """{"a":1,"b":1}""")]
    [InlineData("b = 1\na = ${b}\nb = 2", """{"b":2,"a":2}""")]
    [InlineData("a = x${b.c}y\nb.c = 1", """{"a":"x1y","b":{"c":1}}""")]
    [InlineData("a = ${b} ${b}\nb = [1]", """{"a":[1,1],"b":[1]}""")]
    [InlineData("a = ${b} ${b}\nb = x", """{"a":"x x","b":"x"}""")]
    [InlineData("a = \"${b}\"", """{"a":"${b}"}""")]
    [InlineData("base = { x = 1, y = 1 }\na = ${base} { y = 2 }", """{"base":{"x":1,"y":1},"a":{"x":1,"y":2}}""")]
    [InlineData("a = ${\"b.c\"}\n\"b.c\" = 1", """{"a":1,"b.c":1}""")]
    [InlineData("a = ${b}\nb = null", """{"a":null,"b":null}""")]
    public void A_substitution_is_the_final_value_of_its_path(string hocon, string json) =>
        Assert.Equal(json, HoconJson.Of(hocon));

    [Theory]
    [InlineData("a = ${?b}", "{}")]
    [InlineData("a = 1\na = ${?b}", """{"a":1}""")]
    [InlineData("a = [1, ${?b}, 2]", """{"a":[1,2]}""")]
    [InlineData("a = x${?b}y", """{"a":"xy"}""")]
    [InlineData("a = ${?b}${?c}", "{}")]
    [InlineData("a = ${?b} { c = 1 }", """{"a":{"c":1}}""")]
    [InlineData("a = ${?b} [1]", """{"a":[1]}""")]
    [InlineData("a = ${?a}", "{}")]
    [InlineData("a = ${?a}foo", """{"a":"foo"}""")]
    [InlineData("a = [${?a}]", """{"a":[]}""")]
    public void An_undefined_optional_substitution_vanishes(string hocon, string json) =>
        Assert.Equal(json, HoconJson.Of(hocon));

    [Theory]
    [InlineData("path = a\npath = ${path}\":b\"\npath = ${path}\":c\"", """{"path":"a:b:c"}""")]
    [InlineData("a = [1]\na = ${a} [2]", """{"a":[1,2]}""")]
    [InlineData("a { b = [1] }\na { b = ${a.b} [2] }", """{"a":{"b":[1,2]}}""")]
    [InlineData("foo = { a = 1 }\nfoo = ${foo}", """{"foo":{"a":1}}""")]
    [InlineData("foo = { a = { c = 1 } }\nfoo = ${foo.a}\nfoo = { a = 2 }", """{"foo":{"a":2,"c":1}}""")]
    [InlineData("bar = { foo = 42, baz = ${bar.foo} }", """{"bar":{"foo":42,"baz":42}}""")]
    [InlineData("bar = { foo = 42, baz = ${bar.foo} }\nbar = { foo = 43 }", """{"bar":{"foo":43,"baz":43}}""")]
    [InlineData(
        "bar = { a = ${foo.d}, b = 1 }\nbar.b = 3\nfoo = { c = ${bar.b}, d = 2 }\nfoo.d = 4",
        """{"bar":{"a":4,"b":3},"foo":{"c":3,"d":4}}""")]
    [InlineData("foo = ${does-not-exist}\nfoo = 42", """{"foo":42}""")]
    [InlineData("foo = ${foo}\nfoo = 42", """{"foo":42}""")]
    [InlineData("x = { a = { e = 3 } }\nfoo = { a = { c = 1 } }\nfoo = ${x}\nfoo = { a = { d = 2 } }\ny = ${foo.a}",
        """{"x":{"a":{"e":3}},"foo":{"a":{"c":1,"e":3,"d":2}},"y":{"c":1,"e":3,"d":2}}""")]
    public void A_value_that_refers_to_its_own_key_looks_back(string hocon, string json) =>
        Assert.Equal(json, HoconJson.Of(hocon));

    [Fact]
    public void Two_keys_that_refer_to_each_other_end_up_alike()
    {
        HoconConfig config = HoconJson.Resolve("a = 1\nb = 2\na = ${b}\nb = ${a}");

        Assert.Equal(config.GetText("a"), config.GetText("b"));
    }

    [Theory]
    [InlineData("a = ${b}", "test.conf:1:5")]
    [InlineData("a = ${a}", "test.conf:1:5")]
    [InlineData("foo = ${foo}\nfoo = { a = 1 }", "test.conf:1:7")]
    [InlineData("a = ${b}\nb = ${a}", "test.conf:2:5")]
    [InlineData("a = ${b}\nb = ${c}\nc = ${a}", "test.conf:3:5")]
    [InlineData("a = { b = ${a} }", "test.conf:1:5")]
    [InlineData("a = [${a}]", "test.conf:1:5")]
    [InlineData("a { b = 1 }\nc = ${a.b.d}", "test.conf:2:5")]
    public void An_undefined_path_or_a_cycle_is_an_error_at_its_place(string hocon, string place)
    {
        HoconException fault = Assert.Throws<HoconException>(() => HoconJson.Of(hocon));

        Assert.Equal(place, fault.Origin.ToString());
    }

    [Fact]
    public void A_path_that_the_file_lacks_is_looked_up_in_the_environment()
    {
        Assert.Equal(
            """{"a":"/root"}""", HoconJson.Of("a = ${HOME}", ("HOME", "/root")));
        Assert.Equal(
            """{"a":"own","HOME":"own"}""", HoconJson.Of("a = ${HOME}\nHOME = own", ("HOME", "/root")));
        Assert.Equal(
            """{"a":null,"HOME":null}""", HoconJson.Of("a = ${HOME}\nHOME = null", ("HOME", "/root")));
    }

    [Fact]
    public void Substitutions_that_multiply_each_other_are_refused()
    {
        string doubling = string.Join('\n', Enumerable.Range(0, 40).Select(i => $"v{i} = ${{v{i + 1}}}${{v{i + 1}}}"));

        HoconException fault = Assert.Throws<HoconException>(() => HoconJson.Of(doubling + "\nv40 = xxxxxxxx"));

        Assert.Contains("characters in one value", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Values_of_a_fallback_count_where_the_document_has_none()
    {
        var upper = HoconDocument.Parse("upper", "a { x = ${b} }");
        var lower = HoconDocument.Parse("lower", "a { x = 0, y = ${a.x} }\nb = 7");

        HoconConfig config = upper.WithFallback(lower).Resolve(_ => null);

        Assert.Equal("""{"a":{"x":7,"y":7},"b":7}""", HoconJson.Of(config.Root));
    }

    [Fact]
    public void An_overlay_changes_what_the_rest_refers_to()
    {
        var document = HoconDocument.Parse(
            "three", "k { name = none, path = ${k.name}.db, nodes { n2 { name = two } } }");

        HoconConfig config = document.Overlay(["k", "nodes", "n2"], onto: "k")!.Resolve(_ => null);

        Assert.Equal("two.db", config.GetText("k.path"));
        Assert.Null(document.Overlay(["k", "nodes", "n3"], onto: "k"));
    }
}
