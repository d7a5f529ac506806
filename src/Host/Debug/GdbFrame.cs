// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Debug;

/// <summary>One thing that came over the wire from gdb.</summary>
/// <remarks>Source: the manual "Debugging with GDB", appendix "Remote Protocol", section "Overview".</remarks>
internal abstract record GdbFrame
{
    private GdbFrame()
    {
    }

    /// <param name="Payload">What stood between '$' and '#', with its escapes undone.</param>
    public sealed record Packet(ReadOnlyMemory<byte> Payload) : GdbFrame;

    /// <summary>Ctrl-C: the byte 03 outside of a packet.</summary>
    public sealed record Interrupt : GdbFrame;

    /// <summary>'+': the last packet arrived.</summary>
    public sealed record Acknowledged : GdbFrame;

    /// <summary>'-': send the last packet again.</summary>
    public sealed record Resend : GdbFrame;

    /// <summary>A packet that cannot be taken.</summary>
    /// <param name="Why">What was expected, and what was found.</param>
    public sealed record Damaged(string Why) : GdbFrame;
}
