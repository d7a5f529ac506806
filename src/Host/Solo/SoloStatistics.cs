// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using KvmActors.Cpu;

namespace KvmActors.Host.Solo;

/// <summary>What <c>run --stats</c> tells. Rates are of instructions: accesses and look-ups that succeed at once are
/// not counted, because to count them would cost what is measured.</summary>
/// <param name="WallMs">Of the guest's run, without what came before it and after it.</param>
/// <param name="CpuMs">Of all threads of this process in that time, so also of those that compile its own code.</param>
/// <param name="Mips">Millions of instructions a second of wall time.</param>
/// <param name="CompileMs">Wall time of making host code, tries that came to nothing included.</param>
/// <param name="CompileUsPerInstruction">The same for each guest instruction translated.</param>
/// <param name="HostBytesPerInstruction">Bytes of host code for each guest instruction translated.</param>
/// <param name="TlbMissesPer1000">TLB misses in 1,000 instructions.</param>
/// <param name="BlockLookUpsPer1000">Blocks that had to be looked up in 1,000 instructions.</param>
/// <param name="Engine">Counts; times in nanoseconds.</param>
internal sealed record SoloStatistics(
    double WallMs,
    double CpuMs,
    double Mips,
    double HostCodeShare,
    double CompileMs,
    double CompileUsPerInstruction,
    double HostBytesPerInstruction,
    double TlbMissesPer1000,
    double BlockLookUpsPer1000,
    EngineStatistics Engine)
{
    /// <param name="engine">Counted with <see cref="Stopwatch.GetTimestamp"/> as the clock.</param>
    public static SoloStatistics Of(EngineStatistics engine, TimeSpan wall, TimeSpan cpu)
    {
        TimeSpan compiled = Stopwatch.GetElapsedTime(0, engine.TranslationTime);
        return new SoloStatistics(
            Rounded(wall.TotalMilliseconds),
            Rounded(cpu.TotalMilliseconds),
            Rounded(Ratio(engine.Instructions, wall.TotalMicroseconds)),
            Rounded(Ratio(engine.HostCodeInstructions, engine.Instructions)),
            Rounded(compiled.TotalMilliseconds),
            Rounded(Ratio(compiled.TotalMicroseconds, engine.InstructionsTranslated)),
            Rounded(Ratio(engine.HostBytes, engine.InstructionsTranslated)),
            Rounded(Ratio(1000.0 * engine.TlbMisses, engine.Instructions)),
            Rounded(Ratio(1000.0 * engine.BlockLookUps, engine.Instructions)),
            engine with { TranslationTime = (long)compiled.TotalNanoseconds });
    }

    private static double Ratio(double part, double whole) => whole > 0 ? part / whole : 0;

    private static double Rounded(double value) => Math.Round(value, 4);
}
