// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Postgres;

namespace KvmActors.Persistence.Tests.Postgres;

public sealed class PostgresAddressTests
{
    [Fact]
    public void An_address_is_read_with_all_its_parts()
    {
        var address = PostgresAddress.Parse(
            "postgres://kvm%40site@db-1.example:6000/fleet?schema=blue"
            + "&sslmode=verify-ca&sslrootcert=/ca.pem&passfile=/p");

        Assert.Equal(
            new PostgresAddress(
                "db-1.example", 6000, "fleet", "kvm@site", "blue", PostgresSsl.VerifyCa, "/p", "/ca.pem"),
            address);
        Assert.Equal("postgres://kvm%40site@db-1.example:6000/fleet?schema=blue", address.ToString());
    }

    [Fact]
    public void What_is_left_out_has_its_default()
    {
        Assert.Equal(
            new PostgresAddress("::1", 5432, "fleet", "kvm"), PostgresAddress.Parse("postgresql://kvm@[::1]/fleet"));
        Assert.Equal("postgres://kvm@[::1]:5432/fleet", PostgresAddress.Parse("postgres://kvm@[::1]/fleet").ToString());
    }

    [Theory]
    [InlineData("postgres://kvm:secret@h/d", "found a password in it")]
    [InlineData("postgres://h/d", "found no user in it")]
    [InlineData("postgres://kvm@h", "found no database in it")]
    [InlineData("postgres://kvm@h/d?schema=Blue", "found the schema \"Blue\"")]
    [InlineData("postgres://kvm@h/d?sslmode=maybe", "found sslmode=maybe: choose auto, disable")]
    [InlineData("postgres://kvm@h/d?color=red", "found \"color\" in it")]
    [InlineData("store.db", "found \"store.db\"")]
    public void What_is_wrong_with_an_address_is_said(string text, string expected)
    {
        FormatException fault = Assert.Throws<FormatException>(() => PostgresAddress.Parse(text));

        Assert.StartsWith(
            "Expected the address of a store as postgres://USER@HOST", fault.Message, StringComparison.Ordinal);
        Assert.Contains(expected, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1", PostgresSsl.Disable)]
    [InlineData("localhost", PostgresSsl.Disable)]
    [InlineData("/run/postgresql", PostgresSsl.Disable)]
    [InlineData("10.0.0.7", PostgresSsl.VerifyFull)]
    [InlineData("db.example", PostgresSsl.VerifyFull)]
    public void Without_a_mode_only_loopback_is_plain(string host, PostgresSsl expected) =>
        Assert.Equal(expected, new PostgresAddress(host, 5432, "d", "u").SslInForce);
}
