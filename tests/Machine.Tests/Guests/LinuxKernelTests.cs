// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using KvmActors.Cpu.Cpuid.Models;
using KvmActors.Cpu.Cpuid.Vetting;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine.Loaders;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Machine.Tests.Guests;

/// <summary>Debian's stock kernel, as samples/linux gets it: a guest of 50 megabytes that nobody here wrote.</summary>
public sealed class LinuxKernelTests(ITestOutputHelper output)
{
    private const ulong InstructionsMax = 6_000_000_000;
    private static readonly string[] s_tools = ["apt-get", "dpkg-deb", "xz", "lz4"];

    [Fact]
    public void Debians_cloud_kernel_boots_on_two_vCPUs_runs_its_workload_and_switches_off()
    {
        if (SampleFolder.MissingTool(s_tools) is { } missing)
        {
            output.WriteLine($"Not run: {missing} is not installed here.");
            return;
        }

        using BuildDirectory directory = new(SampleFolder.PathOf("linux"));
        if (!directory.TryRun("sh", out string text, "get.sh", "cloud-amd64", "linux"))
        {
            output.WriteLine($"Not run: no kernel could be got. {text}");
            return;
        }

        output.WriteLine(text);
        StringBuilder console = new();
        SoloRunResult result = SoloRun.Run(
            new SoloRunOptions(
                new MachineSpec(2, 256UL << 20, HypercallPatchPolicy.Auto, MachineSpec.TurnTicksDefault),
                BootImageLoader.Load(
                    File.ReadAllBytes(directory.PathOf("linux/vmlinux")),
                    "vmlinux console=ttyS0 panic=-1 cryptomgr.notests",
                    File.ReadAllBytes(directory.PathOf("linux/initramfs.cpio"))),
                CpuidVetting.CutToEngine(CpuidModels.Find("intel-icelake-sp")!.Table),
                HostVendor.Intel,
                InstructionsMax,
                VendorChanges: []),
            bytes => console.Append(Encoding.ASCII.GetString(bytes.Span)),
            cancelled: () => false);

        output.WriteLine(console.ToString());
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{result.InstructionsRetired:N0} instructions, state {result.StateHash}"));
        string zeros = Convert.ToHexStringLower(SHA256.HashData(new byte[8 << 20]));
        Assert.Contains("GUEST-UP: 2 CPU", console.ToString(), StringComparison.Ordinal);
        Assert.Contains($"SHA-256 of 8 MiB of zeros: {zeros}", console.ToString(), StringComparison.Ordinal);
        Assert.Contains("GUEST-DONE", console.ToString(), StringComparison.Ordinal);
        Assert.IsType<MachineEnd.PoweredOff>(result.End);
    }
}
