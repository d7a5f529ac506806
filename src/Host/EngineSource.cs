// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu;

namespace KvmActors.Host;

/// <summary>Whether this host has the engine that was asked for.</summary>
internal static class EngineSource
{
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
