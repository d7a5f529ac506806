// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using KvmActors.Machine.Loaders;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Machine.Tests.Guests;

/// <summary>Kernels that a C compiler made, from samples/multiboot-c. The oracle is the machine's own processor: it runs the
/// same C as an ordinary program.</summary>
public sealed class GccKernelTests(ITestOutputHelper output) : IDisposable
{
    private static readonly string[] s_tools = ["gcc", "make"];

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("kvmactors-gcc-");

    [Theory]
    [InlineData("kernel.elf", "-O0")]
    [InlineData("kernel.elf", "-O1")]
    [InlineData("kernel.elf", "-O2")]
    [InlineData("kernel.elf", "-O3")]
    [InlineData("kernel.elf", "-Os")]
    [InlineData("kernel.elf", "-O3 -funroll-all-loops")]
    [InlineData("kernel32.elf", "-O0")]
    [InlineData("kernel32.elf", "-O2")]
    [InlineData("kernel32.elf", "-O3")]
    [InlineData("kernel32.elf", "-Os")]
    public void A_kernel_made_by_gcc_computes_what_the_same_C_computes_on_this_processor(string kernel, string optimize)
    {
        if (MissingTool() is { } missing)
        {
            output.WriteLine($"Not run: {missing} is not installed here.");
            return;
        }

        foreach (FileInfo source in new DirectoryInfo(SourceDirectory()).GetFiles())
        {
            _ = source.CopyTo(Path.Combine(_directory.FullName, source.Name));
        }

        string wide = kernel == "kernel32.elf" ? " -DNO_WIDE" : "";
        Build(kernel, optimize + wide);
        Build("host", optimize + wide);
        string expected = Run(Path.Combine(_directory.FullName, "host"));

        byte[] image = File.ReadAllBytes(Path.Combine(_directory.FullName, kernel));
        var run = GuestRun.Of(BootImageLoader.Load(image, kernel));

        output.WriteLine($"{run.Result.InstructionsRetired} instructions");
        output.WriteLine(run.Result.End?.Describe() ?? "no end");
        Assert.Equal(expected, run.Console);
        Assert.Equal(new MachineEnd.DebugExit(0), run.Result.End);
    }

    public void Dispose() => _directory.Delete(recursive: true);

    private static string? MissingTool() =>
        !OperatingSystem.IsLinux() ? "a Linux tool chain"
        : s_tools.FirstOrDefault(tool => !(Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(':').Any(directory => File.Exists(Path.Combine(directory, tool))));

    private static string SourceDirectory()
    {
        DirectoryInfo? directory = new(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "KvmActors.sln")))
        {
            directory = directory.Parent;
        }

        return Path.Combine(directory!.FullName, "samples", "multiboot-c");
    }

    private void Build(string target, string optimize) =>
        _ = Run("make", "-C", _directory.FullName, "--silent", target, $"OPTIMIZE={optimize}", "CC=gcc");

    private static string Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(
            new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {text}{errors.Result}");
        return text;
    }
}
