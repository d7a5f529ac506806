// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;

namespace KvmActors.Benchmarks.Engine.Guests;

/// <summary>A program for a guest: one row of the table.</summary>
/// <param name="Name">One word.</param>
/// <param name="Emit">64-bit code at privilege 0 that does its work for so many rounds, leaves its result in RAX and
/// goes on behind itself.</param>
/// <param name="Rounds">How often.</param>
/// <param name="Goal">Wanted of the translator as a multiple of QEMU.</param>
internal sealed record GuestProgram(string Name, Action<Assembler, uint> Emit, GuestRounds Rounds, double Goal)
{
    /// <summary>The same result by the host's processor from plain C#, where there is such a thing.</summary>
    public Func<uint, ulong>? Plain { get; init; }

    /// <summary>Whether its instructions are executed once, so that the translator is held against the interpreter.
    /// </summary>
    public bool IsRunOnce { get; init; }

    /// <summary>Whether the row counts in the geometric means.</summary>
    public bool IsHotLoop { get; init; }
}
