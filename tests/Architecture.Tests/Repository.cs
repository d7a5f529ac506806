// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Architecture.Tests;

/// <summary>The working tree these tests were built from, without what a build leaves in it.</summary>
internal static class Repository
{
    private static readonly string[] s_foldersLeftOut =
        [".git", ".idea", ".vs", "BenchmarkDotNet.Artifacts", "TestResults", "bin", "node_modules", "obj"];

    private static readonly string[] s_textExtensions =
        [
            ".cs", ".conf", ".csproj", ".editorconfig", ".json", ".md", ".props", ".proto", ".py", ".s", ".sh", ".sln",
            ".targets", ".txt", ".yaml", ".yml",
        ];

    public static string Root { get; } = FindRoot();

    /// <summary>All files that a person wrote as text, by path.</summary>
    public static IReadOnlyList<SourceFile> Texts { get; } =
        [
            .. Walk(new DirectoryInfo(Root))
                .Where(IsText)
                .Select(Read)
                .OrderBy(file => file.Path, StringComparer.Ordinal),
        ];

    /// <summary>All C# files that a person wrote: not <c>*.g.cs</c>.</summary>
    public static IEnumerable<SourceFile> CSharp => Texts.Where(file =>
        file.Path.EndsWith(".cs", StringComparison.Ordinal) && !file.Path.EndsWith(".g.cs", StringComparison.Ordinal));

    /// <summary>The C# of the product: what is under src and samples.</summary>
    public static IEnumerable<SourceFile> Product => CSharp.Where(file => file.IsIn("src", "samples"));

    public static IEnumerable<SourceFile> Markdown =>
        Texts.Where(file => file.Path.EndsWith(".md", StringComparison.Ordinal));

    public static IEnumerable<SourceFile> Projects =>
        Texts.Where(file => file.Path.EndsWith(".csproj", StringComparison.Ordinal));

    public static SourceFile Find(string path) =>
        Texts.FirstOrDefault(file => file.Path == path)
        ?? throw new FileNotFoundException($"Expected {path} in the repository, found no such text file.");

    public static bool Exists(string path)
    {
        string full = Path.GetFullPath(Path.Combine(Root, path));
        return File.Exists(full) || Directory.Exists(full);
    }

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "KvmActors.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new DirectoryNotFoundException(
            $"Expected KvmActors.sln in a folder above {AppContext.BaseDirectory}, found none. Run the tests from "
            + "the build output of a clone.");
    }

    private static IEnumerable<FileInfo> Walk(DirectoryInfo folder) => folder.EnumerateFiles().Concat(folder
        .EnumerateDirectories()
        .Where(child => !s_foldersLeftOut.Contains(child.Name))
        .SelectMany(Walk));

    private static bool IsText(FileInfo file) =>
        s_textExtensions.Contains(file.Extension)
        || file.FullName.EndsWith("/.ci/run", StringComparison.Ordinal);

    private static SourceFile Read(FileInfo file) => new(
        Path.GetRelativePath(Root, file.FullName).Replace('\\', '/'),
        File.ReadAllText(file.FullName).ReplaceLineEndings("\n"));
}
