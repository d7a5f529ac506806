// SPDX-License-Identifier: Apache-2.0

using System.Security.Cryptography;
using System.Text.Json;
using KvmActors.Actors.Replay;
using KvmActors.Actors.Vm;
using KvmActors.Host.Tests.Cli;
using KvmActors.Persistence;

namespace KvmActors.Host.Tests.Deaths;

/// <summary>What a journal proves of a VM's life: its chains hold, a replay meets every recorded state, and a twin that
/// never failed ends as the VM did.</summary>
internal static class JournalProof
{
    /// <summary><c>journal verify</c> of the whole store.</summary>
    /// <returns>What it printed.</returns>
    public static async Task<string> VerifyAsync(string store)
    {
        CliRun verified = await CliRun.OfAsync("journal", "verify", "--store", store);
        Assert.True(verified is { ExitCode: 0, Error: "" }, $"journal verify: {verified.Error}{verified.Out}");
        return verified.Out;
    }

    /// <summary><c>journal replay --verify</c> of one VM.</summary>
    /// <returns>What it printed; read <c>stateHash</c>, <c>memorySum</c> and <c>consoleSha256</c>.</returns>
    public static async Task<JsonDocument> ReplayAsync(string store, VmId vm)
    {
        CliRun replayed = await CliRun.OfAsync(
            "journal", "replay", vm.ToString(), "--verify", "--store", store, "--json");
        Assert.True(replayed is { ExitCode: 0, Error: "" }, $"replay of {vm}: {replayed.Error}{replayed.Out}");
        var replay = JsonDocument.Parse(replayed.Out);
        Assert.True(replay.RootElement.GetProperty("equal").GetBoolean(), replayed.Out);
        return replay;
    }

    /// <summary>The same life once more, in this process, from its inputs alone; compared with a replay.</summary>
    public static void AssertTwin(VmHistory history, byte[] image, JsonDocument replay)
    {
        TwinResult twin = TwinRun.Execute(TwinScript.From(history), new MachineGuestFactory("twin"), image);
        Assert.Equal(
            (Text("consoleSha256"), Text("stateHash"), Text("memorySum")),
            (twin.ConsoleSha256, twin.State.ToString(), twin.Memory.ToString()));
        string? Text(string name) => replay.RootElement.GetProperty(name).GetString();
    }

    public static string Sha256(ReadOnlySpan<byte> console) =>
        Convert.ToHexStringLower(SHA256.HashData(console));
}
