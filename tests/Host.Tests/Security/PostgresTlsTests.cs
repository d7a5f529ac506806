// SPDX-License-Identifier: Apache-2.0

using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using KvmActors.Host.Security;
using KvmActors.Persistence;
using KvmActors.Persistence.Postgres;
using KvmActors.Persistence.Tests.Postgres;

namespace KvmActors.Host.Tests.Security;

/// <summary>A PostgreSQL server with a certificate: whom a node takes for its store.</summary>
public sealed class PostgresTlsTests : IDisposable
{
    /// <summary>A machine under load takes its time for a handshake.</summary>
    private static readonly PostgresStoreOptions s_patient = new() { ConnectTimeout = TimeSpan.FromSeconds(60) };

    private readonly TestPki _pki = new();
    private readonly TestPki _foreign = new(name: "foreign ca");

    public void Dispose()
    {
        _foreign.Dispose();
        _pki.Dispose();
    }

    [PostgresFact]
    public async Task A_server_is_taken_by_its_authority_and_its_name_and_not_otherwise()
    {
        using X509Certificate2 local = _pki.Make(CertificateRole.Node, "db");
        await using PrivatePostgres server = await PrivatePostgres.StartAsync(PemOf(local));

        await AssertTakenAsync(server, PostgresSsl.VerifyFull, _pki);
        await AssertTakenAsync(server, PostgresSsl.VerifyCa, _pki);
        await AssertTakenAsync(server, PostgresSsl.Require, _pki);
        await AssertRefusedAsync(server, PostgresSsl.VerifyFull, _foreign);
        await AssertRefusedAsync(server, PostgresSsl.VerifyCa, _foreign);
    }

    [PostgresFact]
    public async Task A_server_with_the_certificate_of_another_host_is_refused_by_verify_full_alone()
    {
        using X509Certificate2 other = new CertificateMaker(DateTimeOffset.UtcNow).Make(
            _pki.Authority,
            new CertificateIdentity(CertificateRole.Node, "db"),
            ["db.example"],
            TimeSpan.FromDays(1));
        await using PrivatePostgres server = await PrivatePostgres.StartAsync(PemOf(other));

        await AssertRefusedAsync(server, PostgresSsl.VerifyFull, _pki);
        await AssertTakenAsync(server, PostgresSsl.VerifyCa, _pki);
    }

    [PostgresFact]
    public async Task A_server_without_tls_is_refused_where_tls_was_asked_for()
    {
        await using PrivatePostgres server = await PrivatePostgres.StartAsync();

        await AssertRefusedAsync(server, PostgresSsl.VerifyFull, _pki);
        await AssertRefusedAsync(server, PostgresSsl.Require, _pki);
    }

    private static (string Certificate, string Key) PemOf(X509Certificate2 made)
    {
        using ECDsa key = made.GetECDsaPrivateKey()!;
        return (made.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    private static PostgresAddress AddressOf(PrivatePostgres server, PostgresSsl mode, TestPki pki) =>
        server.Address("tls") with { Ssl = mode, RootCertificate = pki.Path("ca.crt") };

    private static async Task AssertTakenAsync(PrivatePostgres server, PostgresSsl mode, TestPki pki)
    {
        await using PostgresStore store = await PostgresStore.OpenAsync(
            AddressOf(server, mode, pki), s_patient);
        Assert.Empty(await store.ListNodesAsync(CancellationToken.None));
    }

    private static async Task AssertRefusedAsync(PrivatePostgres server, PostgresSsl mode, TestPki pki)
    {
        StoreOpenException fault = await Assert.ThrowsAsync<StoreOpenException>(() => PostgresStore.OpenAsync(
            AddressOf(server, mode, pki), s_patient));
        Assert.StartsWith("Expected ", fault.Message, StringComparison.Ordinal);
    }
}
