// SPDX-License-Identifier: Apache-2.0

using System.Text.RegularExpressions;
using KvmActors.Host.Control;
using KvmActors.Host.Control.V1;
using KvmActors.Host.Tests.Cli;
using KvmActors.Samples.Guests;

namespace KvmActors.Host.Tests.Node;

/// <summary>A story guest that cannot end before it gets its key: what a test does to a running guest does not depend
/// on the machine's speed.</summary>
internal static partial class GatedGuest
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    /// <summary>Types the key at the console of <paramref name="vm"/>.</summary>
    public static async Task SendKeyAsync(string address, string vm)
    {
        using ControlClient client = new(address);
        await client.CallAsync(
            ControlMethods.SendInput,
            new SendInputRequest
            {
                Command = client.NextCommand(),
                Name = vm,
                Data = Google.Protobuf.ByteString.CopyFrom((byte)'k'),
            },
            CancellationToken.None);
    }

    /// <summary>Sends the key once the guest waits for it, so that no moment before its gate has the key, and follows
    /// the console to the guest's end.</summary>
    /// <returns>All of the console.</returns>
    public static async Task<string> FinishAsync(string address, string vm)
    {
        await WaitForGateAsync(address, vm);
        await SendKeyAsync(address, vm);
        CliRun console = await CliRun.OfAsync("vm", "console", vm, "--at", address);
        Assert.Equal((0, ""), (console.ExitCode, console.Error));
        return console.Out;
    }

    /// <summary>What does not depend on when the key came: without the guest's own time.</summary>
    public static string Timeless(string console) => TimeStamp().Replace(console, "");

    /// <summary>The same without the lines of the gate: what a guest prints that has none.</summary>
    public static string TimelessWithoutGate(string console)
    {
        string gate = $"{StoryGuest.GateLine}\nstory: took key 0x6b\n";
        Assert.Contains(gate, console, StringComparison.Ordinal);
        return Timeless(console.Replace(gate, "", StringComparison.Ordinal));
    }

    private static async Task WaitForGateAsync(string address, string vm)
    {
        long begun = TimeProvider.System.GetTimestamp();
        CliRun console;
        do
        {
            Assert.InRange(TimeProvider.System.GetElapsedTime(begun), TimeSpan.Zero, s_patience);
            console = await CliRun.OfAsync("vm", "console", vm, "--no-follow", "--at", address);
            Assert.Equal((0, ""), (console.ExitCode, console.Error));
        }
        while (!console.Out.Contains(StoryGuest.GateLine, StringComparison.Ordinal));
    }

    [GeneratedRegex("tsc=[0-9]+")]
    private static partial Regex TimeStamp();
}
