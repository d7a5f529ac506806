// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu;

/// <summary>What the engine of one vCPU has done. For people who look at speed; no result depends on it.</summary>
public sealed record EngineStatistics
{
    /// <summary>Of a vCPU without the translator.</summary>
    public static EngineStatistics InterpreterOnly { get; } = new();

    /// <summary>True if hot blocks are translated.</summary>
    public bool HasTranslator { get; init; }

    /// <summary>Blocks that host code was made of; one that was dropped and made again counts twice.</summary>
    public long BlocksTranslated { get; init; }

    /// <summary>Instructions in those blocks.</summary>
    public long InstructionsTranslated { get; init; }

    /// <summary>Bytes of host code made, with what leads out of it.</summary>
    public long HostBytes { get; init; }

    /// <summary>Ways from the interpreter into host code.</summary>
    public long HostCodeEntries { get; init; }

    /// <summary>TLB entries filled for host code, which then went on.</summary>
    public long TlbFills { get; init; }

    /// <summary>Instructions at which host code was left to the interpreter.</summary>
    public long Steps { get; init; }

    /// <summary>Times that all decoded code was dropped.</summary>
    public long Drops { get; init; }
}
