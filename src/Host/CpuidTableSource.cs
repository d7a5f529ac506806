// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Formats;
using KvmActors.Cpu.Cpuid.Models;
using KvmActors.Kvm;

namespace KvmActors.Host;

/// <summary>How every verb names a table: a file of any form, <c>host</c>, <c>kvm</c>, <c>model:NAME</c>, or <c>-</c>
/// for standard input.</summary>
/// <remarks>A file that is called like one of the words is named with its folder: <c>./host</c>. Tables are as their
/// source says them, nothing cut.</remarks>
internal static class CpuidTableSource
{
    /// <summary>For the help of verbs.</summary>
    public const string Words = "host|kvm|model:NAME|FILE|-";

    public const string Host = "host";
    public const string KvmWord = "kvm";
    public const string Input = "-";
    public const string ModelPrefix = "model:";

    private const string MakeOne = "Make one with: cpuid -1 -r > FILE";
    private const string Table = "a CPUID table";
    private const string Advice = $"A table is named as {Words}. {MakeOne}";

    /// <exception cref="CliFault">There is no such table, or it does not read.</exception>
    public static CpuidTable Load(string word) => LoadDetails(word).Table;

    /// <param name="input">Standard input; null: the process's.</param>
    /// <param name="cpu">Which CPU of a raw text of several; null: the first.</param>
    /// <exception cref="CliFault">There is no such table, or it does not read.</exception>
    public static CpuidFileReading LoadDetails(string word, Stream? input = null, int? cpu = null)
    {
        switch (word)
        {
            case Host:
                return Plain(HostTable());
            case KvmWord:
                return Plain(KvmTable());
            case Input:
                return Parse(
                    "standard input",
                    TextFile.Read("standard input", input ?? Console.OpenStandardInput(), Table, Advice),
                    cpu);
            default:
                return word.StartsWith(ModelPrefix, StringComparison.Ordinal)
                    ? Plain(Model(word[ModelPrefix.Length..]).Table)
                    : Parse(word, ReadFile(word), cpu);
        }
    }

    /// <summary>Standard input can be read once.</summary>
    /// <exception cref="CliFault">Several of the words are <see cref="Input"/>.</exception>
    public static void RefuseTwoInputs(IEnumerable<string?> words)
    {
        if (words.Count(word => word == Input) > 1)
        {
            throw new CliFault(
                "Expected - once, found it twice: standard input is one table. Put the other into a file.",
                exitCode: CliFault.Usage);
        }
    }

    /// <exception cref="CliFault">The library has no such model.</exception>
    public static CpuidModel Model(string name) => CpuidModels.Find(name) ?? throw new CliFault(
        $"Expected a model of the library, found \"{name}\". Choose one of: "
        + $"{string.Join(", ", CpuidModels.All.Select(model => model.Name))}.");

    /// <exception cref="CliFault">The file cannot be read, is larger than any form of a table, or no text.</exception>
    public static string ReadFile(string file) => TextFile.Read(file, Table, Advice);

    private static CpuidFileReading Plain(CpuidTable table) => new(table, CpuidFormat.Json, []);

    private static CpuidTable HostTable() => HostCpuid.IsSupported
        ? HostCpuid.Read()
        : throw new CliFault(
            "Expected an x86 CPU to take CPUID from, found another kind. Name a file of cpuid -r output.");

    private static CpuidTable KvmTable()
    {
        try
        {
            using var device = KvmDevice.Open();
            return device.GetSupportedCpuid();
        }
        catch (KvmFault fault)
        {
            throw new CliFault(fault.Message, fault);
        }
    }

    private static CpuidFileReading Parse(string name, string text, int? cpu)
    {
        try
        {
            return CpuidFile.ReadDetails(text, cpu);
        }
        catch (CpuidFormatException fault)
        {
            throw new CliFault($"{name}: {fault.Message} {MakeOne}", fault);
        }
    }
}
