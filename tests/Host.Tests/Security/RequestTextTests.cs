// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Control.V1;
using KvmActors.Host.Rpc;

namespace KvmActors.Host.Tests.Security;

public sealed class RequestTextTests
{
    private static readonly CommandRef s_command = new() { ClientId = "client-7", CommandId = "3" };

    [Fact]
    public void A_log_names_the_vm_or_vcpu_and_the_command()
    {
        Assert.Equal(" web (client-7/3)", RequestText.Of(new MigrateVmRequest { Name = "web", Command = s_command }));
        Assert.Equal(" web/0 (client-7/3)", RequestText.Of(new MigrateVcpuRequest
        {
            Vcpu = "web/0",
            Command = s_command,
        }));
        Assert.Equal(" web", RequestText.Of(new ReleaseVmRequest { Name = "web" }));
        Assert.Equal("", RequestText.Of(new PingRequest()));
        Assert.Equal("", RequestText.Of(ReadOnlyMemory<byte>.Empty));
    }

    [Fact]
    public void A_strangers_text_writes_no_line_of_its_own()
    {
        string text = RequestText.Of(new DeleteVmRequest { Name = $"web\nfake\e[2J{new string('x', 10_000)}" });

        Assert.StartsWith(" web?fake?[2Jxxx", text, StringComparison.Ordinal);
        Assert.True(text.Length < 200);
    }
}
