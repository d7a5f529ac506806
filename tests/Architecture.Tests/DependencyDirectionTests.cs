// SPDX-License-Identifier: Apache-2.0

using System.Xml.Linq;
using Xunit;

namespace KvmActors.Architecture.Tests;

/// <summary>One arrow, read from the project files. A project may skip to the left, never to the right.</summary>
public sealed class DependencyDirectionTests
{
    private const string Arrow =
        "the arrow is Cpu <- Machine <- Persistence <- Actors <- Host, with Kvm beside Machine and TestKit on Actors; "
        + "Cpu.Names runs inside the compiler of Cpu and is part of nothing";

    /// <summary>What each project of the product may reference.</summary>
    private static readonly Dictionary<string, string[]> s_mayReference = new(StringComparer.Ordinal)
    {
        ["src/Cpu.Names"] = [],
        ["src/Cpu"] = ["src/Cpu.Names"],
        ["src/Machine"] = ["src/Cpu"],
        ["src/Kvm"] = ["src/Cpu"],
        ["src/Persistence"] = ["src/Cpu", "src/Machine"],
        ["src/Actors"] = ["src/Cpu", "src/Machine", "src/Persistence"],
        ["src/Host"] = ["src/Cpu", "src/Machine", "src/Kvm", "src/Persistence", "src/Actors", "samples/Guests"],
        ["src/TestKit"] = ["src/Cpu", "src/Machine", "src/Persistence", "src/Actors"],
        ["samples/Guests"] = ["src/Cpu"],
    };

    /// <summary>The only packages of the projects that must stay small.</summary>
    private static readonly Dictionary<string, string[]> s_packages = new(StringComparer.Ordinal)
    {
        ["src/Cpu"] = ["Iced"],
        ["src/Machine"] = [],
        ["samples/Guests"] = ["Iced"],
    };

    [Fact]
    public void No_project_references_against_the_arrow() => Finding.AssertNone(
        from project in ProductProjects()
        from reference in References(project)
        where s_mayReference.TryGetValue(FolderOf(project), out string[]? allowed) && !allowed.Contains(reference)
        select new Finding(project.Path, 1, $"{FolderOf(project)} must not reference {reference}: {Arrow}."));

    [Fact]
    public void Every_project_of_the_product_has_its_place_on_the_arrow() => Finding.AssertNone(
        from project in ProductProjects()
        where !s_mayReference.ContainsKey(FolderOf(project))
        select new Finding(
            project.Path, 1, $"{FolderOf(project)} has no place yet: {Arrow}. Say here what it may reference."));

    [Fact]
    public void The_innermost_projects_take_no_further_package() => Finding.AssertNone(
        from project in ProductProjects()
        from package in Items(project, "PackageReference")
        where s_packages.TryGetValue(FolderOf(project), out string[]? allowed) && !allowed.Contains(package)
        select new Finding(project.Path, 1, $"{FolderOf(project)} must not use the package {package}."));

    [Fact]
    public void A_generator_is_loaded_by_the_compiler_only() => Finding.AssertNone(
        from project in ProductProjects()
        from reference in XDocument.Parse(project.Text).Descendants("ProjectReference")
        where reference.Attribute("Include")?.Value.Contains("Cpu.Names", StringComparison.Ordinal) == true
        where reference.Attribute("OutputItemType")?.Value != "Analyzer"
            || reference.Attribute("ReferenceOutputAssembly")?.Value != "false"
        select new Finding(
            project.Path, 1, "Reference Cpu.Names as an Analyzer, with ReferenceOutputAssembly=\"false\"."));

    [Fact]
    public void Only_Host_and_its_tests_see_the_web_framework() => Finding.AssertNone(
        from project in Repository.Projects
        from framework in Items(project, "FrameworkReference")
        where FolderOf(project) is not ("src/Host" or "tests/Host.Tests")
        select new Finding(project.Path, 1, $"{framework} is Host's: the inner rooms take interfaces."));

    [Fact]
    public void Every_project_is_in_the_solution_and_locks_its_packages()
    {
        string solution = Repository.Find("KvmActors.sln").Text.Replace('\\', '/');

        Finding.AssertNone(
            from project in Repository.Projects
            let isListed = solution.Contains($"\"{project.Path}\"", StringComparison.Ordinal)
            where !isListed || !Repository.Exists($"{FolderOf(project)}/packages.lock.json")
            select new Finding(
                project.Path,
                1,
                isListed ? "packages.lock.json is missing: restore and commit it." : "Not in KvmActors.sln: add it."));
    }

    [Fact]
    public void Package_versions_are_written_in_one_place() => Finding.AssertNone(
        from project in Repository.Projects
        from item in XDocument.Parse(project.Text).Descendants("PackageReference")
        where item.Attribute("Version") is not null
        select new Finding(
            project.Path,
            1,
            $"{item.Attribute("Include")?.Value} has a version. Write it in Directory.Packages.props."));

    private static IEnumerable<SourceFile> ProductProjects() =>
        Repository.Projects.Where(project => project.IsIn("src", "samples"));

    private static string FolderOf(SourceFile project) => project.Path[..project.Path.LastIndexOf('/')];

    private static IEnumerable<string> References(SourceFile project) => Items(project, "ProjectReference")
        .Select(path => Path.GetRelativePath(
            Repository.Root,
            Path.GetFullPath(Path.Combine(Repository.Root, FolderOf(project), path.Replace('\\', '/')))))
        .Select(path => path[..path.LastIndexOf('/')]);

    private static IEnumerable<string> Items(SourceFile project, string kind) => XDocument
        .Parse(project.Text)
        .Descendants(kind)
        .Select(item => item.Attribute("Include")?.Value)
        .OfType<string>();
}
