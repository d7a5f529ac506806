// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;

namespace KvmActors.Cpu.Translate;

/// <summary>What every form asks of an instruction.</summary>
internal static class FormRules
{
    /// <summary>False for instructions that do not exist or have a prefix that changes what they do.</summary>
    public static bool HasPlainEncoding(in Instruction instruction) =>
        !instruction.IsInvalid && !instruction.HasRepPrefix && !instruction.HasRepnePrefix;
}
