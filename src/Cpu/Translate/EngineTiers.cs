// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Cpu.Decode;

namespace KvmActors.Cpu.Translate;

/// <summary>From an <see cref="EngineChoice"/> to a tier.</summary>
/// <remarks>Two environment variables are for tests and measurements: KVMACTORS_ENGINE is what Auto stands for
/// (interpreter or translator), KVMACTORS_HOT_ENTRIES after how many entries a block is hot.</remarks>
internal static class EngineTiers
{
    public const string EngineVariable = "KVMACTORS_ENGINE";
    public const string HotEntriesVariable = "KVMACTORS_HOT_ENTRIES";

    /// <summary>A translation costs as much as some hundred executions of its instructions save.</summary>
    private const int HotEntriesByDefault = 40;

    private static readonly int s_hotEntries =
        int.TryParse(
            Environment.GetEnvironmentVariable(HotEntriesVariable), CultureInfo.InvariantCulture, out int entries)
            ? entries
            : HotEntriesByDefault;

    private static readonly bool s_autoInterprets = string.Equals(
        Environment.GetEnvironmentVariable(EngineVariable),
        nameof(EngineChoice.Interpreter),
        StringComparison.OrdinalIgnoreCase);

    /// <summary>The tier beside the interpreter, or null for the interpreter alone.</summary>
    /// <exception cref="PlatformNotSupportedException">The translator was asked for, and the host cannot run it.
    /// </exception>
    public static IBlockTier? Create(EngineChoice choice)
    {
        if (choice == EngineChoice.Interpreter || (choice == EngineChoice.Auto && s_autoInterprets))
        {
            return null;
        }

        if (CodeMemory.Refusal is not { } refusal)
        {
            return new TranslatorTier(s_hotEntries);
        }

        return choice == EngineChoice.Auto
            ? null
            : throw new PlatformNotSupportedException($"The translator cannot run here: {refusal}.");
    }
}
