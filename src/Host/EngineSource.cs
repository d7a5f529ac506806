// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu;

namespace KvmActors.Host;

/// <summary>Whether this host has the engine that was asked for.</summary>
internal static class EngineSource
{
    /// <summary>What a person must be told where <see cref="EngineChoice.Auto"/> is less than it could be, or null.
    /// </summary>
    /// <param name="choice">What was asked for.</param>
    /// <param name="refusal">As <see cref="Vcpu.TranslatorRefusal"/>.</param>
    public static string? NoteOf(EngineChoice choice, string? refusal) =>
        choice == EngineChoice.Auto && refusal is not null
            ? $"The translator cannot run here: {refusal}. The interpreter runs alone, which is slower; nothing else "
                + "changes."
            : null;

    /// <exception cref="CliFault">The host cannot run the translator that was asked for.</exception>
    public static void Check(EngineChoice choice)
    {
        if (choice == EngineChoice.Translator && Vcpu.TranslatorRefusal is { } refusal)
        {
            throw new CliFault(
                $"Expected a host that the translator runs on, but {refusal}. Use the engine auto or interpreter.",
                inner: null,
                CliFault.Usage);
        }
    }
}
