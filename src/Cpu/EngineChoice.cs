// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu;

/// <summary>What executes a vCPU's instructions. The result is the same, bit for bit.</summary>
public enum EngineChoice
{
    /// <summary>The translator for what is hot, where the host can run host code of the process's own making; else the
    /// interpreter alone.</summary>
    Auto = 0,

    /// <summary>The interpreter alone.</summary>
    Interpreter = 1,

    /// <summary>As <see cref="Auto"/>, but an error where the host cannot.</summary>
    Translator = 2,
}
