// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;
using System.Globalization;
using KvmActors.Host.Debug;

namespace KvmActors.Host.Cli.Verbs;

/// <summary><c>debug gdb VM</c></summary>
internal static class DebugGdbVerb
{
    private const string Remarks = """
        The guest is rebuilt from its journal in this process: the VM itself is not touched, wherever it is, and nothing
        that gdb does can change it. gdb steps and continues through the recording in both directions: stepi,
        reverse-stepi, continue, reverse-continue, with breakpoints and watchpoints. vCPUs are threads; vCPU 0 is
        thread 1. "monitor help" in gdb lists what gdb has no word for.

        With --node the VM itself is paused while gdb looks. Where gdb continues beyond the end of the journal the VM
        runs on, and gdb follows; when gdb stops, the VM is paused again, a bit ahead of what gdb shows. At the end a VM
        that ran runs on.

        The server listens on 127.0.0.1 only, serves one gdb at a time, and ends when that detaches or kills.

        --at takes start, end, or a moment as "monitor time" shows it: VM time, and +N for steps that cost none.
        --arch i386 is for guests of 32 or 16 bits, and for ELF files of 32 bits.
        """;

    private const int PortDefault = 1234;
    private const int PortMax = 65535;

    private static readonly string[] s_examples =
    [
        "kvmactors debug gdb web --store demo/store.db",
        "kvmactors debug gdb web --store demo/store.db --at 34002346 --port 0",
        "kvmactors debug gdb web --store demo/store.db --node 127.0.0.1:5101",
        "# In another terminal, with the kernel's symbols:",
        "#   gdb vmlinux -ex 'target remote 127.0.0.1:1234'",
        "# Who wrote this byte? From the end of the recording, backwards:",
        "#   gdb kernel.elf -ex 'target remote :1234' -ex 'watch *(char*)0x103018' -ex reverse-continue -ex bt",
    ];

    public static Command Build(CliTerminal terminal)
    {
        Argument<string> vm = new("VM") { Description = "The VM's name" };
        Option<string> store = JournalVerbs.StoreOption();
        Option<string?> node = Node();
        ClusterAccess access = new();
        Option<string?> at = new("--at")
        {
            Description = "Where the guest stands at first [default: end]",
            HelpName = "MOMENT",
        };
        Option<ulong?> port = VerbOptions.Count("--port", "Port of 127.0.0.1; 0: any that is free [default: 1234]");
        Option<RegisterLayout?> layout = Layout();
        Option<bool> json = VerbOptions.Json("where the server listens");
        VerbCommand verb = new("gdb", "Serve a VM's past to gdb.", Remarks, s_examples)
        {
            vm, store, node, at, port, layout, json,
        };
        access.AddCertificatesTo(verb);
        verb.SetAction(async (parsed, stop) =>
        {
            ulong wanted = parsed.GetValue(port) ?? PortDefault;
            DebugOptions options = new(
                parsed.GetRequiredValue(vm),
                parsed.GetRequiredValue(store),
                parsed.GetValue(node) is { } link ? () => access.Connect(link, parsed) : null,
                parsed.GetValue(at) ?? "end",
                wanted <= PortMax ? (int)wanted : throw new CliFault(
                    string.Create(
                        CultureInfo.InvariantCulture, $"Expected a port from 0 to {PortMax}, found {wanted}."),
                    exitCode: CliFault.Usage),
                parsed.GetValue(layout) ?? RegisterLayout.X8664,
                parsed.GetValue(json));
            await new DebugServer(options, terminal).RunAsync(stop).ConfigureAwait(false);
            return 0;
        });
        return verb;
    }

    private static Option<string?> Node() => new("--node")
    {
        Description = "A node of its cluster: follow the VM where its journal ends",
        HelpName = "HOST:PORT",
        CustomParser = VerbOptions.LinkText,
    };

    private static Option<RegisterLayout?> Layout() => new("--arch")
    {
        Description = "Whose registers gdb is told of [default: x86-64]",
        HelpName = "x86-64|i386",
        CustomParser = result =>
        {
            string word = result.Tokens[^1].Value;
            if (word is not ("x86-64" or "i386"))
            {
                result.AddError($"Expected x86-64 or i386 for --arch, found \"{word}\". Choose one of them.");
            }

            return word == "i386" ? RegisterLayout.I386 : RegisterLayout.X8664;
        },
    };
}
