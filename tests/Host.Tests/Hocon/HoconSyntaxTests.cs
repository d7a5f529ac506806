// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Hocon;

namespace KvmActors.Host.Tests.Hocon;

public sealed class HoconSyntaxTests
{
    [Theory]
    [InlineData("", "{}")]
    [InlineData("{}", "{}")]
    [InlineData("\uFEFFa = 1", """{"a":1}""")]
    [InlineData("""{"a":{"b":[1,2.5e+3,true,null,"x"]}}""", """{"a":{"b":[1,2.5e+3,true,null,"x"]}}""")]
    [InlineData("a : 1, b = 2", """{"a":1,"b":2}""")]
    [InlineData("a { b : 1 }", """{"a":{"b":1}}""")]
    [InlineData("a = 1\nb = 2\n", """{"a":1,"b":2}""")]
    [InlineData("a = [1\n2\n3]", """{"a":[1,2,3]}""")]
    [InlineData("a = [1,2,3,]\nb = { c = 1, }", """{"a":[1,2,3],"b":{"c":1}}""")]
    [InlineData("a = 1 # one\n// two\nb = 2 // three", """{"a":1,"b":2}""")]
    [InlineData("a = \"# no comment // here\"", """{"a":"# no comment // here"}""")]
    [InlineData("a =\n  1", """{"a":1}""")]
    [InlineData("a.b.c = 42", """{"a":{"b":{"c":42}}}""")]
    [InlineData("a.x = 42, a.y = 43", """{"a":{"x":42,"y":43}}""")]
    [InlineData("\"a.b\".c = 1", """{"a.b":{"c":1}}""")]
    [InlineData("a.\"\".b = 1", """{"a":{"":{"b":1}}}""")]
    [InlineData("a b c = 1", """{"a b c":1}""")]
    [InlineData("3.14 = 1", """{"3":{"14":1}}""")]
    [InlineData("true = 1", """{"true":1}""")]
    [InlineData("10.0foo = 1", """{"10":{"0foo":1}}""")]
    [InlineData("foo\"10.0\" = 1", """{"foo10.0":1}""")]
    [InlineData("a = \"\\u0041\\n\\\"\\\\\"", """{"a":"A\n\u0022\\"}""")]
    [InlineData("a = \"\"\"x\n\\n\"y\"\"\"\"", """{"a":"x\n\\n\u0022y\u0022"}""")]
    [InlineData("a = /srv/x-1.db", """{"a":"/srv/x-1.db"}""")]
    [InlineData("a = -3", """{"a":-3}""")]
    [InlineData("a = 007", """{"a":"007"}""")]
    [InlineData("a = 10.0bar", """{"a":"10.0bar"}""")]
    [InlineData("a = truefoo", """{"a":"truefoo"}""")]
    public void A_text_reads_as_its_json_equal(string hocon, string json) => Assert.Equal(json, HoconJson.Of(hocon));

    [Theory]
    [InlineData("foo = { a = 42 }\nfoo = { b = 43 }", """{"foo":{"a":42,"b":43}}""")]
    [InlineData("foo = { a = 42 }\nfoo = null\nfoo = { b = 43 }", """{"foo":{"b":43}}""")]
    [InlineData("foo = { a = 42 }\nfoo = 7\nfoo.b = 43", """{"foo":{"b":43}}""")]
    [InlineData("foo = 1, foo = 2", """{"foo":2}""")]
    [InlineData("foo.a.b = 1, foo { a { c = 2 } }", """{"foo":{"a":{"b":1,"c":2}}}""")]
    [InlineData("foo = [1], foo = [2]", """{"foo":[2]}""")]
    public void A_repeated_key_merges_objects_and_replaces_all_else(string hocon, string json) =>
        Assert.Equal(json, HoconJson.Of(hocon));

    [Theory]
    [InlineData("a = foo bar baz ", """{"a":"foo bar baz"}""")]
    [InlineData("a = foo   \"bar\"", """{"a":"foo   bar"}""")]
    [InlineData("a = true foo", """{"a":"true foo"}""")]
    [InlineData("a = 1e5 x", """{"a":"1e5 x"}""")]
    [InlineData("a = [1, 2] [3, 4]", """{"a":[1,2,3,4]}""")]
    [InlineData("a = [ 1 2 3 ]", """{"a":["1 2 3"]}""")]
    [InlineData("a = [[1, 2] [3, 4]]", """{"a":[[1,2,3,4]]}""")]
    [InlineData("a = [[1, 2]\n[3, 4]]", """{"a":[[1,2],[3,4]]}""")]
    [InlineData("a = { b = 1 } { c = 2 }", """{"a":{"b":1,"c":2}}""")]
    [InlineData("a = { b = 1, d = 1 } { b = 2 }", """{"a":{"b":2,"d":1}}""")]
    [InlineData("a = [0] { \"2\" = y, \"1\" = x }", """{"a":[0,"x","y"]}""")]
    [InlineData("a += 1\na += 2", """{"a":[1,2]}""")]
    [InlineData("b { a = [0], a += 1 }", """{"b":{"a":[0,1]}}""")]
    public void Values_side_by_side_are_concatenated(string hocon, string json) =>
        Assert.Equal(json, HoconJson.Of(hocon));

    [Theory]
    [InlineData("a = [1,2,,3]", "test.conf:1:10: expected a value, found ','.")]
    [InlineData("a = [,1]", "test.conf:1:6: expected a value, found ','.")]
    [InlineData("a = 1,,b = 2", "test.conf:1:7: expected a key, found ','.")]
    [InlineData(
        "a = 1\nb",
        "test.conf:2:2: expected '=', ':', '+=' or '{' after the key b, found the end of the file.")]
    [InlineData("a =", "test.conf:1:4: expected a value, found the end of the file.")]
    [InlineData("a = @home", "test.conf:1:5: expected a key or a value, found '@'.")]
    [InlineData(
        "a { b = 1",
        "test.conf:1:10: expected a comma, a new line or '}' after a field, found the end of the file.")]
    [InlineData(
        "a = 1 }",
        "test.conf:1:7: expected a comma, a new line or the end of the file after a field, found '}'.")]
    [InlineData("{ a = 1 } b", "test.conf:1:11: expected the end of the file, found 'b'.")]
    [InlineData("[1]", "test.conf:1:1: expected an object or its fields at the root, found '['.")]
    [InlineData(
        "a..b = 1",
        "test.conf:1:1: expected a name before, between and after the dots of a path, found an empty one near 'a..b'.")]
    [InlineData(".a = 1", "test.conf:1:1: expected a name before, between and after the dots of a path")]
    [InlineData(
        "a = \"x\ny\"",
        "test.conf:1:5: expected a closing '\"' on the same line, found control character U+000a at test.conf:1:7.")]
    [InlineData("a = \"\\x\"", "test.conf:1:6: expected one of")]
    [InlineData("a = \"\"\"x", "test.conf:1:5: expected a closing \"\"\", found the end of the file.")]
    [InlineData("a = ${b", "test.conf:1:8: expected '}' after the path, found the end of the file.")]
    [InlineData("a = ${}", "test.conf:1:7: expected a path, found '}'.")]
    [InlineData("a = [1] x", "test.conf:1:9: expected an array beside an array, found \"x\".")]
    [InlineData("a = { b = 1 } x", "test.conf:1:15: expected an object beside an object, found \"x\".")]
    [InlineData("\n\n  a = { b = ]", "test.conf:3:13: expected a value, found ']'.")]
    [InlineData("a = \"\"\"\n\n\"\"\" ]", "test.conf:3:5: expected a comma")]
    public void A_mistake_is_named_by_line_and_column(string hocon, string message)
    {
        HoconException fault = Assert.Throws<HoconException>(() => HoconJson.Of(hocon));

        Assert.StartsWith(message, fault.Message, StringComparison.Ordinal);
        Assert.Matches(@"\. [A-Z][^.]*\S", fault.Message);
    }

    [Fact]
    public void Deep_nesting_is_refused_before_the_stack_ends()
    {
        HoconException fault = Assert.Throws<HoconException>(() => HoconJson.Of("a = " + new string('[', 100_000)));

        Assert.Contains("at most 64 levels of nesting", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    public void No_damage_to_a_file_gives_anything_but_a_hocon_error(int seed)
    {
        const string Whole =
            "a { b = ${c.d} [1, \"x\\n\"], \"q.r\" = \"\"\"t\"\"\" }\nc.d = [0] # end\nc.e += ${?a.b}\n";
        const string Pieces = "{}[]:=,+$\"?#\\\n.a1 ";
        Random random = new(seed);
        for (int round = 0; round < 2_000; round++)
        {
            char[] damaged = Whole.ToCharArray();
            for (int i = 0; i < 3; i++)
            {
                damaged[random.Next(damaged.Length)] = Pieces[random.Next(Pieces.Length)];
            }

            Exception? fault = Record.Exception(() => HoconJson.Of(new string(damaged)));

            Assert.True(
                fault is null or HoconException, $"seed {seed}, round {round}: {fault}\n{new string(damaged)}");
        }
    }
}
