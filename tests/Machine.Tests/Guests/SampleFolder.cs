// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Tests.Guests;

/// <summary>The samples of this repository, and the tools that their scripts want.</summary>
internal static class SampleFolder
{
    public static string PathOf(string sample)
    {
        DirectoryInfo? directory = new(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "KvmActors.sln")))
        {
            directory = directory.Parent;
        }

        return Path.Combine(directory!.FullName, "samples", sample);
    }

    /// <summary>The first of these that is not on the PATH, or null.</summary>
    public static string? MissingTool(IEnumerable<string> tools) =>
        !OperatingSystem.IsLinux() ? "a Linux tool chain"
        : tools.FirstOrDefault(tool => !(Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(':').Any(directory => File.Exists(Path.Combine(directory, tool))));
}
