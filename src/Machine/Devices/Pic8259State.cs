// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Devices;

/// <summary>One 8259A as data.</summary>
/// <param name="Lines">Level of the inputs IR0 to IR7, a bit each.</param>
/// <param name="Edges">Inputs that have risen, are still high, and were not acknowledged since.</param>
/// <param name="LevelTriggered">The chip's byte of ELCR: 1 is level-triggered.</param>
/// <param name="Icw1">The last initialization command words, as written.</param>
/// <param name="NextIcw">Which initialization word is written next: 2, 3 or 4, or 0 when initialized.</param>
/// <param name="LowestPriority">The input that comes last; the one behind it comes first.</param>
/// <param name="ReadsInService">OCW3 has chosen ISR and not IRR.</param>
/// <param name="Polls">OCW3 has made the next read an acknowledgement.</param>
public sealed record Pic8259State(
    byte Lines,
    byte Edges,
    byte InService,
    byte Mask,
    byte LevelTriggered,
    byte Icw1,
    byte Icw2,
    byte Icw3,
    byte Icw4,
    byte NextIcw,
    byte LowestPriority,
    bool ReadsInService,
    bool Polls,
    bool SpecialMask,
    bool RotatesOnAutoEnd);
