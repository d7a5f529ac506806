// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Samples.Guests.Story;

/// <summary>The gate: before one round the guest polls COM1 until a byte is there. It never halts, so that its VM time
/// goes on and it can be moved, paused and killed there; what it does next never depends on the machine's speed.
/// </summary>
/// <remarks>Source: National Semiconductor PC16550D data sheet, section 8 "Registers": LSR bit 0, data ready.</remarks>
internal static class GateRoutine
{
    /// <summary>Turns of three instructions between two looks at COM1: a port costs the engine more than a turn.
    /// </summary>
    private const int TurnsPerLook = 1 << 14;

    private const byte DataReady = 0x01;

    /// <summary>Emits the gate before a round; R12 is the round's number, from 0. Nothing without a gate.</summary>
    public static void EmitGate(GuestProgram program)
    {
        if (program.Size.GateRound is not { } gate)
        {
            return;
        }

        Assembler c = program.Code;
        Label over = c.CreateLabel();
        Label look = c.CreateLabel();
        Label turn = c.CreateLabel();
        c.cmp(r12d, gate);
        c.jne(over);
        program.Say($"{StoryGuest.GateLine}\n");
        c.Label(ref look);
        HypercallSites.EmitAtGate(program);
        c.mov(ecx, TurnsPerLook);
        c.Label(ref turn);
        c.pause();
        c.dec(ecx);
        c.jnz(turn);
        c.mov(edx, SerialRoutines.Com1 + SerialRoutines.LineStatus);
        c.@in(al, dx);
        c.test(al, DataReady);
        c.jz(look);

        c.mov(edx, (int)SerialRoutines.Com1);
        c.@in(al, dx);
        c.movzx(ebx, al);
        program.Say("story: took key 0x");
        c.mov(eax, ebx);
        c.mov(ecx, 2);
        c.call(program.PutHex);
        program.Say("\n");
        c.Label(ref over);
    }
}
