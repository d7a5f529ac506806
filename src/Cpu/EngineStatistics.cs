// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu;

/// <summary>What the engine of a vCPU, or of all vCPUs of a VM, has done since it was made. For people who look at
/// speed; no result depends on it.</summary>
/// <remarks>Nothing is counted where an access or a look-up succeeds at once: what is counted lies on the ways that are
/// slow anyway. So a rate has instructions in its denominator, and not accesses.</remarks>
public sealed record EngineStatistics
{
    public static EngineStatistics None { get; } = new();

    /// <summary>True if hot blocks are translated.</summary>
    public bool HasTranslator { get; init; }

    /// <summary>Instructions retired since the VM's creation: of one that was not restored, by the interpreter those
    /// that <see cref="HostCodeInstructions"/> leaves.</summary>
    public ulong Instructions { get; init; }

    /// <summary>Instructions retired by host code.</summary>
    public ulong HostCodeInstructions { get; init; }

    /// <summary>Blocks that host code was made of; one that was dropped and made again counts twice.</summary>
    public long BlocksTranslated { get; init; }

    /// <summary>Instructions in those blocks.</summary>
    public long InstructionsTranslated { get; init; }

    /// <summary>Bytes of host code made, with what leads out of it.</summary>
    public long HostBytes { get; init; }

    /// <summary>Time it took to make host code, tries included, in the unit of <see cref="EngineOptions.Clock"/>; 0
    /// without a clock.</summary>
    public long TranslationTime { get; init; }

    /// <summary>Ways from the interpreter into host code.</summary>
    public long HostCodeEntries { get; init; }

    /// <summary>TLB entries filled for host code, which then went on.</summary>
    public long TlbFills { get; init; }

    /// <summary>Instructions at which host code was left to the interpreter.</summary>
    public long Steps { get; init; }

    /// <summary>Accesses and fetches for which the TLB had no entry, by the interpreter and by host code.</summary>
    public long TlbMisses { get; init; }

    /// <summary>Page walks for those misses: with paging off there is none.</summary>
    public long PageWalks { get; init; }

    /// <summary>Look-ups of a block that neither a link between blocks nor the jump cache has answered.</summary>
    public long BlockLookUps { get; init; }

    /// <summary>Of those, the ones for which code was decoded.</summary>
    public long BlocksDecoded { get; init; }

    /// <summary>Instructions in the blocks that were decoded.</summary>
    public long InstructionsDecoded { get; init; }

    /// <summary>Times that all decoded code was dropped, which a restored state and a new CPUID table do too.</summary>
    public long Drops { get; init; }

    /// <summary>Exceptions and interrupts delivered by the engine, without those that an owner injects.</summary>
    public long Deliveries { get; init; }

    /// <summary>Instructions that came upon a device in memory, which is served without an exit.</summary>
    public long DeviceInstructions { get; init; }

    /// <summary>Ends of runs, by reason.</summary>
    public ExitCounts Exits { get; init; } = ExitCounts.None;

    /// <summary>What two vCPUs have done together.</summary>
    public EngineStatistics Plus(EngineStatistics other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new EngineStatistics
        {
            HasTranslator = HasTranslator || other.HasTranslator,
            Instructions = Instructions + other.Instructions,
            HostCodeInstructions = HostCodeInstructions + other.HostCodeInstructions,
            BlocksTranslated = BlocksTranslated + other.BlocksTranslated,
            InstructionsTranslated = InstructionsTranslated + other.InstructionsTranslated,
            HostBytes = HostBytes + other.HostBytes,
            TranslationTime = TranslationTime + other.TranslationTime,
            HostCodeEntries = HostCodeEntries + other.HostCodeEntries,
            TlbFills = TlbFills + other.TlbFills,
            Steps = Steps + other.Steps,
            TlbMisses = TlbMisses + other.TlbMisses,
            PageWalks = PageWalks + other.PageWalks,
            BlockLookUps = BlockLookUps + other.BlockLookUps,
            BlocksDecoded = BlocksDecoded + other.BlocksDecoded,
            InstructionsDecoded = InstructionsDecoded + other.InstructionsDecoded,
            Drops = Drops + other.Drops,
            Deliveries = Deliveries + other.Deliveries,
            DeviceInstructions = DeviceInstructions + other.DeviceInstructions,
            Exits = Exits.Plus(other.Exits),
        };
    }
}
