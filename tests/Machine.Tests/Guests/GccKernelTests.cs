// SPDX-License-Identifier: Apache-2.0

using KvmActors.Machine.Loaders;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Machine.Tests.Guests;

/// <summary>Kernels that a C compiler made, from samples/multiboot-c. The oracle is the machine's own processor: it
/// runs the same C as an ordinary program.</summary>
public sealed class GccKernelTests(ITestOutputHelper output)
{
    private const string WithoutWide = " -DNO_WIDE";
    private static readonly string[] s_tools = ["gcc", "make"];
    private static readonly Lazy<string> s_expected64 = new(() => OutputOfProgram("-O2"));
    private static readonly Lazy<string> s_expected32 = new(() => OutputOfProgram("-O2" + WithoutWide));

    [Theory]
    [InlineData("kernel.elf", "-O0")]
    [InlineData("kernel.elf", "-O1")]
    [InlineData("kernel.elf", "-O2")]
    [InlineData("kernel.elf", "-O3")]
    [InlineData("kernel.elf", "-Os")]
    [InlineData("kernel.elf", "-O3 -funroll-all-loops")]
    [InlineData("kernel.elf", "-O2 -mbmi -mbmi2 -mpopcnt -mlzcnt -mmovbe -madx")]
    [InlineData("kernel32.elf", "-O0")]
    [InlineData("kernel32.elf", "-O2")]
    [InlineData("kernel32.elf", "-O3")]
    [InlineData("kernel32.elf", "-Os")]
    [InlineData("kernel32.elf", "-O2 -march=i486")]
    [InlineData("kernel32.elf", "-O2 -march=i686 -mbmi -mbmi2 -mpopcnt -mlzcnt -mmovbe")]
    public void A_kernel_made_by_gcc_computes_what_the_same_C_computes_on_this_processor(string kernel, string optimize)
    {
        if (SampleFolder.MissingTool(s_tools) is { } missing)
        {
            output.WriteLine($"Not run: {missing} is not installed here.");
            return;
        }

        bool is64 = kernel == "kernel.elf";
        string expected = (is64 ? s_expected64 : s_expected32).Value;
        using BuildDirectory directory = new(SampleFolder.PathOf("multiboot-c"));
        directory.Make(kernel, optimize + (is64 ? "" : WithoutWide));

        byte[] image = File.ReadAllBytes(directory.PathOf(kernel));
        var run = GuestRun.Of(BootImageLoader.Load(image, kernel));

        output.WriteLine($"{run.Result.InstructionsRetired} instructions");
        output.WriteLine(run.Result.End?.Describe() ?? "no end");
        Assert.Equal(expected, run.Console);
        Assert.Equal(new MachineEnd.DebugExit(0), run.Result.End);
    }

    // Built without the options for newer instructions, which this processor need not have.
    private static string OutputOfProgram(string optimize)
    {
        using BuildDirectory directory = new(SampleFolder.PathOf("multiboot-c"));
        directory.Make("host", optimize);
        return directory.Run(directory.PathOf("host"));
    }
}
