// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Hypercalls;
using KvmActors.Host.Node;
using KvmActors.Host.Security;
using KvmActors.Persistence.InMemory;
using KvmActors.Persistence.Membership;

namespace KvmActors.Host.Tests.Security;

/// <summary>A node that joins, and a peer that the cluster's table has no longer when its certificate is looked
/// at.</summary>
public sealed class NodePeersTests : IDisposable
{
    private readonly SteppedClock _clock = new();
    private readonly RecordedLogs _logs = new();
    private readonly TestPki _pki;

    public NodePeersTests() => _pki = new TestPki(_clock);

    public void Dispose()
    {
        _pki.Dispose();
        _logs.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_peer_that_is_declared_dead_meanwhile_keeps_nobody_from_joining(bool dies)
    {
        InMemoryStore store = new(TimeProvider.System);
        NodeRegistration registration = new(
            "node-4", "127.0.0.1:1", 1, HostVendor.Intel, TimeSpan.FromSeconds(3), string.Empty);
        var peer = (RegisterResult.Registered)await store.RegisterAsync(registration, CancellationToken.None);
        TlsDialer dialer = new(_pki.Client(CertificateRole.Node, "node-5"), async (_, stop) =>
        {
            if (dies)
            {
                await store.DeclareDeadAsync(peer.Id, DeathEvidence.FileLockHeld, TimeSpan.Zero, stop);
            }

            return null;
        });
        using NodeLink link = new(1 << 20, dialer, _logs.CreateLogger("test"));
        NodePeers peers = new(store, "node-5");

        if (dies)
        {
            await peers.MeetAsync(link, CancellationToken.None);
            return;
        }

        CliFault fault = await Assert.ThrowsAsync<CliFault>(() => peers.MeetAsync(link, CancellationToken.None));
        Assert.Contains("to take each other's certificates", fault.Message, StringComparison.Ordinal);
    }
}
