// SPDX-License-Identifier: Apache-2.0

using System.Text;
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
                return Parse("standard input", ReadAll(input ?? Console.OpenStandardInput()), cpu);
            default:
                return word.StartsWith(ModelPrefix, StringComparison.Ordinal)
                    ? Plain(Model(word[ModelPrefix.Length..]).Table)
                    : Parse(word, ReadFile(word), cpu);
        }
    }

    /// <exception cref="CliFault">The library has no such model.</exception>
    public static CpuidModel Model(string name) => CpuidModels.Find(name) ?? throw new CliFault(
        $"Expected a model of the library, found \"{name}\". Choose one of: "
        + $"{string.Join(", ", CpuidModels.All.Select(model => model.Name))}.");

    /// <exception cref="CliFault">The file cannot be read, or is larger than any form of a table.</exception>
    public static string ReadFile(string file)
    {
        try
        {
            using FileStream stream = File.OpenRead(file);
            return ReadAll(stream);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CliFault(
                $"Expected a CPUID table at {file}, found none that can be read: {fault.Message} "
                + $"A table is named as {Words}. {MakeOne}",
                fault);
        }
    }

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

    /// <summary>Reads a text of bounded length: a device file has no end.</summary>
    private static string ReadAll(Stream stream)
    {
        using StreamReader reader = new(stream, Encoding.UTF8, leaveOpen: true);
        StringBuilder text = new();
        char[] buffer = new char[32 * 1024];
        int read;
        while ((read = reader.Read(buffer)) > 0)
        {
            text.Append(buffer, 0, read);
            if (text.Length > CpuidText.CharactersMax)
            {
                throw new CliFault(
                    $"Expected a CPUID table of at most {CpuidText.CharactersMax} characters, found more. {MakeOne}");
            }
        }

        return text.ToString();
    }
}
