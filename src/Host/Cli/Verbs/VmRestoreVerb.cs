// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using System.Globalization;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using KvmActors.Host.Control;
using KvmActors.Host.Control.Reports;
using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>vm restore FILE</c></summary>
internal static class VmRestoreVerb
{
    private const int ChunkBytes = 256 << 10;

    private const string Remarks = """
        Makes a new VM that goes on where the saved one stood: its VM time, its console and its counts begin there, and
        so does its journal. The file is checked whole before anything is sent. The new guest must have the file's state
        hash and memory sum. It is not started.

        """ + VerbOptions.AtRemarks;

    private static readonly string[] s_examples =
    [
        "kvmactors vm restore web.kvm",
        "kvmactors vm restore web.kvm --as web-2 --node node-3 --start",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Argument<string> file = new("FILE") { Description = "A file of vm save" };
        Option<string?> name = new("--as")
        {
            Description = "Name of the new VM [default: the saved one's]",
            HelpName = "NAME",
        };
        Option<string?> node = new("--node")
        {
            Description = "Name of the node to make it on [default: the node that is asked]",
            HelpName = "NODE",
        };
        Option<bool> start = new("--start") { Description = "Start it too" };
        ClusterAccess access = new();
        Option<bool> json = VerbOptions.Json("the VM");
        VerbCommand verb = new("restore", "Make a new VM of a saved VM's file.", Remarks, s_examples)
        {
            file, name, node, start, json,
        };
        access.AddTo(verb);
        verb.SetAction(async (parsed, stop) =>
        {
            using ControlClient client = access.Connect(parsed);
            await using FileStream source = Open(parsed.GetRequiredValue(file));
            SavedVmReport saved = await SavedVmReport.ReadAsync(source, source.Name, stop).ConfigureAwait(false);
            source.Position = 0;
            RestoreVmChunk first = new()
            {
                Command = client.NextCommand(),
                Name = parsed.GetValue(name) ?? "",
                OnNode = parsed.GetValue(node) ?? "",
            };
            VerbProgress progress = new(terminal);
            VmStatus vm = await client.UploadAsync(
                ControlMethods.RestoreVm, ChunksAsync(first, source, saved.Bytes, progress, stop), stop)
                .ConfigureAwait(false);
            progress.Clear();
            if (parsed.GetValue(start))
            {
                VmCommandRequest order = new() { Command = client.NextCommand(), Name = vm.Name };
                vm = await client.CallAsync(ControlMethods.StartVm, order, stop).ConfigureAwait(false);
            }

            VmVerbs.Print(vm, parsed.GetValue(json), terminal);
            return 0;
        });
        return verb;
    }

    private static FileStream Open(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CliFault($"Expected a saved VM at {path}, found: {fault.Message} Check the path.", fault);
        }
    }

    private static async IAsyncEnumerable<RestoreVmChunk> ChunksAsync(
        RestoreVmChunk first,
        FileStream source,
        long bytesAll,
        VerbProgress progress,
        [EnumeratorCancellation] CancellationToken stop)
    {
        yield return first;
        byte[] buffer = new byte[ChunkBytes];
        int read;
        while ((read = await source.ReadAsync(buffer, stop).ConfigureAwait(false)) > 0)
        {
            yield return new RestoreVmChunk { Data = ByteString.CopyFrom(buffer, 0, read) };
            progress.Show(string.Create(
                CultureInfo.InvariantCulture, $"restoring: {source.Position:N0} of {bytesAll:N0} bytes"));
        }
    }
}
