// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Cpu.Tests.Silicon.Vectors;

/// <summary>Which forms the engine executes and no vector shows.</summary>
public sealed class VectorCoverageTests(ITestOutputHelper output)
{
    private const string List = "not-covered.txt";

    /// <summary>A form is covered by a vector in which it retires, or traps: one in which it may not be executed says
    /// nothing about what it does.</summary>
    [Fact]
    public void A_form_that_the_engine_executes_has_vectors_or_a_reason()
    {
        HashSet<Code> covered = [.. VectorData.Names.SelectMany(name => Covered(VectorData.Read(name)))];
        var listed = File.ReadLines(Path.Combine(VectorData.Folder, List))
            .Where(line => line.Length > 0 && !line.StartsWith('#'))
            .Select(line => line.Split(": ", 2))
            .ToDictionary(parts => Enum.Parse<Code>(parts[0]), parts => parts[1]);
        Code[] missing = [.. EngineForms.All.Where(code => !covered.Contains(code) && !listed.ContainsKey(code))];
        Code[] needless = [.. listed.Keys.Where(code => covered.Contains(code) || !EngineForms.All.Contains(code))];
        output.WriteLine(
            $"{EngineForms.All.Count} forms are executed, {covered.Count} have vectors, {listed.Count} are listed.");

        Assert.True(
            missing.Length == 0,
            $"{missing.Length} forms have no vectors. Record some (docs/testing.md), or give a reason in {List}:\n"
            + string.Join('\n', missing));
        Assert.True(
            needless.Length == 0,
            $"{needless.Length} forms of {List} have vectors, or are not executed. Take them out:\n"
            + string.Join('\n', needless));
    }

    private static IEnumerable<Code> Covered(VectorFile file)
    {
        const byte GeneralProtection = 13;
        const byte UndefinedOpcode = 6;
        foreach (VectorShape shape in file.Shapes)
        {
            bool isShown = Enumerable.Range(0, shape.Count).Any(number =>
            {
                byte status = file.StatusOf(shape, number);
                bool mayNot = MachineImage.IsFault(status)
                    && MachineImage.VectorOf(status) is (GeneralProtection or UndefinedOpcode);
                return !mayNot;
            });
            if (isShown)
            {
                yield return shape.Code;
            }
        }
    }
}
