// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu;

namespace KvmActors.Host;

/// <summary>What executes the instructions of this process's VMs.</summary>
internal static class EngineSource
{
    /// <summary>Sets it for the VMs made from now on.</summary>
    /// <exception cref="CliFault">The host cannot run the translator that was asked for.</exception>
    public static void Use(EngineChoice choice)
    {
        if (choice == EngineChoice.Translator && Vcpu.TranslatorRefusal is { } refusal)
        {
            throw new CliFault(
                $"Expected a host that the translator runs on, but {refusal}. Use the engine auto or interpreter.",
                inner: null,
                CliFault.Usage);
        }

        if (choice != EngineChoice.Auto)
        {
            AppContext.SetData(Vcpu.EngineSetting, choice.ToString());
        }
    }
}
