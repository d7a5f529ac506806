// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Decode;

namespace KvmActors.Cpu;

/// <summary>How the engine of a vCPU is made. No result of a run depends on it, so it is no part of a VM's spec, of its
/// state, or of a journal.</summary>
public sealed record EngineOptions
{
    /// <summary>The engine that fits the host.</summary>
    public static EngineOptions Default { get; } = new();

    /// <summary>What executes the instructions.</summary>
    public EngineChoice Choice { get; init; }

    /// <summary>Entries after which a block is translated; null: what measurements have shown to be best.</summary>
    public int? HotEntries { get; init; }

    /// <summary>Instructions of a decoded block at most, 1 to 48: fewer are slower, and show which one does what.
    /// </summary>
    public int BlockInstructionsMax { get; init; } = BlockBuilder.InstructionsMax;

    /// <summary>The host's clock, in a unit of its owner's, for <see cref="EngineStatistics.TranslationTime"/>; null:
    /// it is not measured. Nothing else is done with what it says.</summary>
    public Func<long>? Clock { get; init; }

    /// <summary>Makes the tier instead of <see cref="Choice"/>: for tests.</summary>
    internal Func<IBlockTier?>? TierSource { get; init; }
}
