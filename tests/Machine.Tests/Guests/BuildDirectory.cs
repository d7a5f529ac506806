// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using Xunit;

namespace KvmActors.Machine.Tests.Guests;

/// <summary>A copy of some sources in a temporary directory, to run make in; gone when disposed.</summary>
internal sealed class BuildDirectory : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("kvmactors-gcc-");

    public BuildDirectory(string sources)
    {
        foreach (FileInfo source in new DirectoryInfo(sources).GetFiles())
        {
            _ = source.CopyTo(PathOf(source.Name));
        }
    }

    public string PathOf(string name) => Path.Combine(_directory.FullName, name);

    public void Make(string target, string optimize) =>
        _ = Run("make", "--always-make", "--silent", target, $"OPTIMIZE={optimize}", "CC=gcc");

    /// <summary>Runs a program here and gives what it printed.</summary>
    public string Run(string program, params string[] arguments)
    {
        bool succeeded = TryRun(program, out string text, arguments);
        Assert.True(succeeded, $"{program} {string.Join(' ', arguments)}: {text}");
        return text;
    }

    /// <summary>The same; false if it ended with another exit code than 0.</summary>
    /// <param name="text">What it printed; where it failed, its errors too.</param>
    public bool TryRun(string program, out string text, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _directory.FullName,
        };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        text += process.ExitCode == 0 ? "" : errors.Result;
        return process.ExitCode == 0;
    }

    public void Dispose() => _directory.Delete(recursive: true);
}
