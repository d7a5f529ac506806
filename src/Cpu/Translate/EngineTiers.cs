// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Cpu.Decode;

namespace KvmActors.Cpu.Translate;

/// <summary>From <see cref="EngineOptions"/> to a tier.</summary>
/// <remarks>What Auto stands for is the environment variable KVMACTORS_ENGINE (interpreter, translator or auto), or the
/// translator where the host has it. KVMACTORS_HOT_ENTRIES says after how many entries a block is hot where the options
/// do not. The result of a run is the same whatever they say; the variables are for tests and measurements.</remarks>
internal static class EngineTiers
{
    private const string EngineVariable = "KVMACTORS_ENGINE";
    private const string HotEntriesVariable = "KVMACTORS_HOT_ENTRIES";

    /// <summary>Making host code of an instruction costs about as much as it saves in some hundred executions.
    /// </summary>
    private const int HotEntriesByDefault = 40;

    private static readonly int s_hotEntries =
        int.TryParse(
            Environment.GetEnvironmentVariable(HotEntriesVariable), CultureInfo.InvariantCulture, out int entries)
            ? entries
            : HotEntriesByDefault;

    /// <summary>The tier beside the interpreter, or null for the interpreter alone.</summary>
    /// <exception cref="PlatformNotSupportedException">The translator was asked for, and the host cannot run it.
    /// </exception>
    public static IBlockTier? Create(EngineOptions options)
    {
        if (options.TierSource is { } source)
        {
            return source();
        }

        EngineChoice wanted = options.Choice == EngineChoice.Auto ? ChoiceOfProcess() : options.Choice;
        if (wanted == EngineChoice.Interpreter)
        {
            return null;
        }

        if (CodeMemory.Refusal is not { } refusal)
        {
            return new TranslatorTier(options.HotEntries ?? s_hotEntries, clock: options.Clock);
        }

        return wanted == EngineChoice.Auto
            ? null
            : throw new PlatformNotSupportedException($"The translator cannot run here: {refusal}.");
    }

    private static EngineChoice ChoiceOfProcess() =>
        Enum.TryParse(
            Environment.GetEnvironmentVariable(EngineVariable), ignoreCase: true, out EngineChoice choice)
            ? choice
            : EngineChoice.Auto;
}
