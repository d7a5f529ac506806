// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Host.Configuration;
using KvmActors.Host.Hocon;

namespace KvmActors.Host.Tests.Configuration;

public sealed class ReferenceConfTests
{
    private static readonly string[] s_reference = File.ReadAllLines(Repository.File("hocon/reference.conf"));

    [Fact]
    public void The_keys_of_the_file_are_the_keys_that_are_read()
    {
        HoconConfig config = ConfigurationLoader.Reference.Resolve(_ => null);
        HostOptions.Bind(config);

        Assert.Equal(
            ConfigurationLoader.Reference.Keys().Select(key => string.Join('.', key.Path))
                .Where(key => key != "kvmactors.nodes").Order(StringComparer.Ordinal),
            config.PathsRead.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_key_has_a_comment_right_above_it_that_ends_as_a_sentence()
    {
        foreach ((ImmutableArray<string> path, HoconOrigin origin) in ConfigurationLoader.Reference.Keys())
        {
            string above = s_reference[origin.Line - 2].Trim();

            Assert.True(
                above.StartsWith('#') && above.EndsWith('.'),
                $"{string.Join('.', path)}: expected a comment that ends with a full stop, found \"{above}\".");
        }
    }

    [Fact]
    public void Every_duration_size_and_number_names_its_bounds()
    {
        foreach ((ImmutableArray<string> path, HoconOrigin origin) in ConfigurationLoader.Reference.Keys())
        {
            string value = s_reference[origin.Line - 1].Split('=')[^1].Trim();
            if (char.IsAsciiDigit(value[0]))
            {
                Assert.Matches(@"(Duration|Size|Number)[^.]*, \d+\w* to \d+\w*", CommentAbove(origin.Line));
            }

            Assert.NotEmpty(path);
        }
    }

    [Fact]
    public void The_sample_files_load()
    {
        HostOptions single = ConfigurationLoader.Load(Repository.File("hocon/node.conf"), node: null);
        HostOptions second = ConfigurationLoader.Load(Repository.File("hocon/three-nodes.conf"), node: "node-2");

        HostOptions third = ConfigurationLoader.Load(
            Repository.File("hocon/three-nodes-postgres.conf"), node: "node-3");

        HostOptions secured = ConfigurationLoader.Load(Repository.File("hocon/three-nodes-tls.conf"), node: "node-3");

        Assert.Equal("pki/node-3.key", secured.Tls.Files!.Key);
        Assert.Equal("pki/ca.crt", secured.Tls.Files.Authority);
        Assert.Equal("10.0.0.3:5101", secured.Node.Advertised);
        Assert.Equal("postgres://kvmactors@127.0.0.1:5432/kvmactors", third.Store.Name);
        Assert.True(third.Store.PostgresOptions.StatementTimeout < third.Cluster.Lease / 2);
        Assert.Equal("node-1", single.Node.Name);
        Assert.Equal("node-2", second.Node.Name);
        Assert.Equal(5102, second.Node.Link.Port);
        Assert.Equal(Cpu.Hypercalls.HostVendor.Amd, second.Node.HostVendor);
        Assert.Equal("three-nodes.db", second.Store.Path);
    }

    private static string CommentAbove(int line)
    {
        int first = line - 1;
        while (first > 0 && s_reference[first - 1].TrimStart().StartsWith('#'))
        {
            first--;
        }

        return string.Join(' ', s_reference[first..(line - 1)].Select(text => text.Trim().TrimStart('#').Trim()));
    }
}
