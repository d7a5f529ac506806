// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using Google.Protobuf;
using KvmActors.Actors.Vm;
using KvmActors.Host.Control;
using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>vm console NAME</c></summary>
internal static class VmConsoleVerb
{
    private const string Remarks = """
        Prints the console's bytes as they are, from the given offset on, and goes on until the guest ends or Ctrl-C.
        Every byte comes once, also while the VM moves or is taken over. Bytes are numbered from the VM's creation.
        With --json one object for each piece: {"offset": …, "text": …, "isLast": …}.

        """ + VerbOptions.AtRemarks;

    private static readonly string[] s_examples =
    [
        "kvmactors vm console web",
        "kvmactors vm console web --from 1000 --no-follow > rest.txt",
        "kvmactors vm console web --input",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Argument<string> name = VmVerbs.NameArgument();
        Option<ulong?> from = VerbOptions.Count("--from", "Offset of the first byte [default: 0]", "OFFSET");
        Option<bool> noFollow = new("--no-follow") { Description = "Print what there is now, and end" };
        Option<bool> input = new("--input") { Description = "Type standard input into the console too" };
        ClusterAccess access = new();
        Option<bool> json = VerbOptions.Json("pieces");
        VerbCommand verb = new("console", "Print a VM's console.", Remarks, s_examples)
        {
            name, from, noFollow, input, json,
        };
        access.AddTo(verb);
        verb.SetAction(async (parsed, stop) =>
        {
            using ControlClient client = access.Connect(parsed);
            using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
            ConsoleRequest request = new()
            {
                Name = parsed.GetRequiredValue(name),
                FromOffset = parsed.GetValue(from) ?? 0,
                Follow = !parsed.GetValue(noFollow),
            };
            Task typing = parsed.GetValue(input)
                ? TypeAsync(client, request.Name, terminal, end.Token)
                : Task.CompletedTask;
            await foreach (ConsoleChunk chunk in client.StreamAsync(ControlMethods.Console, request, stop)
                .ConfigureAwait(false))
            {
                Print(chunk, parsed.GetValue(json), terminal);
            }

            await end.CancelAsync().ConfigureAwait(false);
            return typing.IsFaulted ? throw typing.Exception.InnerException! : 0;
        });
        return verb;
    }

    private static void Print(ConsoleChunk chunk, bool isJson, CliTerminal terminal)
    {
        if (isJson)
        {
            CliJson.WriteLine(
                terminal.Out, new { chunk.Offset, Text = chunk.Data.ToStringUtf8(), chunk.IsLast });
            return;
        }

        terminal.Output.Write(chunk.Data.Span);
        terminal.Output.Flush();
    }

    private static async Task TypeAsync(
        ControlClient client, string name, CliTerminal terminal, CancellationToken stop)
    {
        byte[] buffer = new byte[VmCommand.InputBytesMax];
        int read;
        while ((read = await terminal.Input.ReadAsync(buffer, stop).ConfigureAwait(false)) > 0)
        {
            SendInputRequest request = new()
            {
                Command = client.NextCommand(),
                Name = name,
                Data = ByteString.CopyFrom(buffer, 0, read),
            };
            await client.CallAsync(ControlMethods.SendInput, request, stop).ConfigureAwait(false);
        }
    }
}
