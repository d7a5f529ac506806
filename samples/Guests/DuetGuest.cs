// SPDX-License-Identifier: Apache-2.0

using KvmActors.Samples.Guests.Duet;

namespace KvmActors.Samples.Guests;

/// <summary>A guest to debug: two vCPUs in 64-bit mode count in the same memory, and one of them, once, writes a byte
/// that is not its own. An ELF64 with symbols, started by multiboot.</summary>
/// <remarks>
/// <para>vCPU 0 starts vCPU 1, and both call <c>bump</c> for each round: it increments <c>shared</c> and writes the
/// vCPU's number to <c>last_writer</c>. Halfway, vCPU 1 calls <c>corrupt</c>, which writes 2Ah to <c>victim</c>. At the
/// end vCPU 0 writes 1 to port F4h if <c>victim</c> is no longer 0.</para>
/// </remarks>
public static class DuetGuest
{
    public const int VcpuCount = 2;

    /// <summary>What <c>corrupt</c> writes.</summary>
    public const byte Corruption = 0x2A;

    public const int RoundsMax = 10_000_000;

    /// <param name="rounds">Of each vCPU; one costs about 10 instructions.</param>
    /// <returns>The bytes of the ELF file; the same for the same argument.</returns>
    public static byte[] Build(int rounds)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rounds, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rounds, RoundsMax);
        DuetProgram program = new();
        byte[] work = DuetCode.AssembleWork(program, rounds);
        program.Put(DuetLayout.Work, work);
        program.Put(DuetLayout.Trampoline, DuetCode.AssembleTrampoline(program));
        program.Put(DuetLayout.Entry, DuetCode.AssembleEntry(program));
        program.PutTables();
        return SymbolElf.Link(DuetLayout.Start, program.Segment, DuetLayout.Entry, program.Symbols);
    }
}
