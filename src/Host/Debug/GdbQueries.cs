// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Text;

namespace KvmActors.Host.Debug;

/// <summary>Packets that begin with q or Q: what there is, and how to talk about it.</summary>
/// <remarks>Source: the manual "Debugging with GDB", appendix "Remote Protocol", section "General Query Packets"; for
/// PhyMemMode, QEMU's documentation, "GDB usage", as the packet is QEMU's.</remarks>
internal sealed class GdbQueries(GdbView view, MonitorCommands monitor)
{
    private const string Features = "qXfer:features:read:";

    /// <summary>Bytes of a monitor command's text in one packet.</summary>
    private const int ConsoleBytesMax = (GdbFrameDecoder.PayloadBytesMax / 2) - 16;

    private readonly byte[] _description = Encoding.UTF8.GetBytes(TargetDescription.Of(view.Layout));

    public bool IsWithoutAcknowledgement { get; private set; }

    /// <summary>gdb understands the stop reasons swbreak and hwbreak.</summary>
    public bool KnowsBreaks { get; private set; }

    public async Task<GdbReply> AnswerAsync(string packet, CancellationToken interrupt)
    {
        switch (packet)
        {
            case "QStartNoAckMode":
                IsWithoutAcknowledgement = true;
                return GdbReply.Ok;
            case "qAttached":
                return GdbReply.Of("1");
            case "qC":
                return GdbReply.Of($"QC{GdbThreads.IdOf(view.Vcpu)}");
            case "qfThreadInfo":
                return GdbReply.Of(GdbThreads.List(view.Target.VcpuCount));
            case "qsThreadInfo":
                return GdbReply.Of("l");
            case "qqemu.PhyMemMode":
                return GdbReply.Of(view.IsPhysical ? "1" : "0");
            case "Qqemu.PhyMemMode:0" or "Qqemu.PhyMemMode:1":
                view.IsPhysical = packet[^1] == '1';
                return GdbReply.Ok;
            case ['q', 'R', 'c', 'm', 'd', ',', .. string command]:
                return await MonitorAsync(command, interrupt).ConfigureAwait(false);
            default:
                return AnswerPrefixed(packet);
        }
    }

    private GdbReply AnswerPrefixed(string packet)
    {
        const string Supported = "qSupported";
        const string ExtraInfo = "qThreadExtraInfo,";
        return packet switch
        {
            _ when packet.StartsWith(Supported, StringComparison.Ordinal) => Agree(packet[Supported.Length..]),
            _ when packet.StartsWith(ExtraInfo, StringComparison.Ordinal) => Describe(packet[ExtraInfo.Length..]),
            _ when packet.StartsWith(Features, StringComparison.Ordinal) => Part(packet[Features.Length..]),
            _ => GdbReply.Unknown,
        };
    }

    private GdbReply Agree(string offered)
    {
        string[] features = offered.TrimStart(':').Split(';');
        KnowsBreaks = features.Contains("swbreak+") && features.Contains("hwbreak+");
        return GdbReply.Of(
            $"PacketSize={HexText.Of(GdbFrameDecoder.PayloadBytesMax)};QStartNoAckMode+;qXfer:features:read+;"
            + "vContSupported+;swbreak+;hwbreak+;ReverseStep+;ReverseContinue+");
    }

    private GdbReply Describe(string thread) =>
        GdbThreads.TryParse(thread, view.Target.VcpuCount, out int? vcpu) && vcpu is { } index
            ? GdbReply.Of(HexText.OfText(GdbThreads.Describe(view.Target.State.Vcpus[index])))
            : GdbReply.Malformed;

    /// <summary>A part of the target description: <c>NAME:OFFSET,SIZE</c>.</summary>
    private GdbReply Part(string what)
    {
        string[] parts = what.Split(':', ',');
        if (parts.Length != 3
            || !HexText.TryParse(parts[1], out ulong offset) || !HexText.TryParse(parts[2], out ulong size))
        {
            return GdbReply.Malformed;
        }

        if (parts[0] != "target.xml")
        {
            return GdbReply.Of("E00");
        }

        // What is escaped may take two bytes.
        int from = (int)Math.Min(offset, (ulong)_description.Length);
        int count = (int)Math.Min(size, (ulong)Math.Min(_description.Length - from, ConsoleBytesMax));
        byte mark = (byte)(from + count < _description.Length ? 'm' : 'l');
        return new GdbReply([(byte[])[mark, .. _description.AsSpan(from, count)]]);
    }

    private async Task<GdbReply> MonitorAsync(string digits, CancellationToken interrupt)
    {
        if (HexText.TextOf(digits) is not { } line)
        {
            return GdbReply.Malformed;
        }

        byte[] text = Encoding.UTF8.GetBytes(await monitor.RunAsync(line, interrupt).ConfigureAwait(false));
        ImmutableArray<ReadOnlyMemory<byte>> packets =
        [
            .. text.Chunk(ConsoleBytesMax)
                .Select(piece => (ReadOnlyMemory<byte>)Encoding.ASCII.GetBytes($"O{HexText.Of(piece)}")),
            "OK"u8.ToArray(),
        ];
        return new GdbReply(packets);
    }
}
