// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Text.Json;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Formats;
using KvmActors.Host.Tests.Cli;
using KvmActors.Host.Tests.Solo;

namespace KvmActors.Host.Tests.Node;

/// <summary>A guest that executes CPUID and then runs on for ever, and the nodes that it is made for.</summary>
/// <remarks>It reads leaf 7 subleaf 0 as its third instruction (VM time 2) and as its sixth, and leaf 0xB subleaf 1
/// as its ninth (VM time 8).</remarks>
internal static class CpuidReader
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_pollEvery = TimeSpan.FromMilliseconds(20);

    /// <summary>The CPU of every node, as its dump says it.</summary>
    public static CpuidTable Host { get; } = CpuidText.Read(File.ReadAllText(Dump()));

    /// <summary>HOCON of a node, whatever machine it is on. What the guest has read is published with each Progress.
    /// </summary>
    public static string Settings =>
        $"""
        kvmactors.node.host-vendor = amd
        kvmactors.node.cpuid-source = "file {Dump()}"
        kvmactors.journal.progress-interval = 20ms
        """;

    /// <summary>What <c>vcpu cpuid observed --json</c> prints of it once it has read all, as words.</summary>
    public static string[] Observed { get; } = ["0x7 0x0 first 2 reads 2", "0xb 0x1 first 8 reads 1"];

    public static string Dump() => Repository.File("samples/cpuid/amd-epyc-9334.txt");

    public static string Image(GuestFiles files) => files.Sector(
        0x66, 0xB8, 0x07, 0x00, 0x00, 0x00, // mov eax, 7
        0x66, 0x31, 0xC9, // xor ecx, ecx
        0x0F, 0xA2, // cpuid
        0x66, 0xB8, 0x07, 0x00, 0x00, 0x00, // mov eax, 7
        0x66, 0x31, 0xC9, // xor ecx, ecx
        0x0F, 0xA2, // cpuid
        0x66, 0xB8, 0x0B, 0x00, 0x00, 0x00, // mov eax, 0xb
        0x66, 0xB9, 0x01, 0x00, 0x00, 0x00, // mov ecx, 1
        0x0F, 0xA2, // cpuid
        0x40, 0xEB, 0xFD); // again: inc ax; jmp again

    /// <summary>Asks until the guest has read all that it reads.</summary>
    public static async Task<string[]> ObservedAsync(LiveNode node, string vcpu)
    {
        long begun = Stopwatch.GetTimestamp();
        while (true)
        {
            CliRun run = await CliRun.OfAsync("vcpu", "cpuid", "observed", vcpu, "--json", "--at", node.Address);
            Assert.Equal((0, ""), (run.ExitCode, run.Error));
            string[] found = WordsOf(run);
            if (found.Length >= Observed.Length)
            {
                return found;
            }

            Assert.True(
                Stopwatch.GetElapsedTime(begun) < s_patience,
                $"Expected {Observed.Length} readings within {s_patience}, found {found.Length}.");
            await Task.Delay(s_pollEvery);
        }
    }

    private static string[] WordsOf(CliRun run) =>
    [
        .. JsonDocument.Parse(run.Out).RootElement.GetProperty("observed").EnumerateArray().Select(read =>
            $"{read.GetProperty("leaf").GetString()} {read.GetProperty("subleaf").GetString()} "
            + $"first {read.GetProperty("firstVmTime").GetUInt64()} reads {read.GetProperty("reads").GetUInt64()}"),
    ];
}
