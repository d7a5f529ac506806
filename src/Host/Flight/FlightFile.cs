// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Text;

namespace KvmActors.Host.Flight;

// Slots of 256 bytes, integers little-endian, text UTF-8. The first slot:
//   "KVAFLT01" (8), slots behind this one (4), length of the boot id (4) and of the node's id (4), and both.
// Each other one is an event:
//   its number, from 1; 0: none (8), CLOCK_MONOTONIC in ns (8), Unix time in ms (8), length of its text (4), and it.
// Event N is in slot 1 + (N - 1) modulo the slots.

/// <summary>The file of a <see cref="FlightRecorder"/>, read while its process lives or after it died.</summary>
internal static class FlightFile
{
    public const string Extension = ".flight";

    public const int SlotBytes = 256;

    internal const int MonotonicAt = 8;
    internal const int UtcAt = 16;
    internal const int LengthAt = 24;
    internal const int TextAt = 28;

    private const int SlotsAt = 8;
    private const int BootLengthAt = 12;
    private const int NodeLengthAt = 16;
    private const int NamesAt = 20;

    private static ReadOnlySpan<byte> Magic => "KVAFLT01"u8;

    /// <summary>Reads files, and of folders all that they hold.</summary>
    /// <returns>All events in order of time: by the monotonic clock, or, where the files are of several boots or
    /// machines, by the wall clock.</returns>
    /// <exception cref="CliFault">A path that is not there, or no such file.</exception>
    public static IReadOnlyList<FlightEvent> ReadAll(IEnumerable<string> paths)
    {
        FlightEvent[] all = [.. paths.SelectMany(FilesAt).SelectMany(Read)];
        bool isOneClock = all.DistinctBy(each => each.BootId).Count() <= 1;
        return
        [
            .. isOneClock
                ? all.OrderBy(each => each.MonotonicNs)
                : all.OrderBy(each => each.At).ThenBy(each => each.MonotonicNs),
        ];
    }

    internal static byte[] Header(string node, string bootId, int slots)
    {
        byte[] header = new byte[SlotBytes];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(SlotsAt), slots);
        int boot = Encoding.UTF8.GetBytes(bootId, header.AsSpan(NamesAt));
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(BootLengthAt), boot);
        BinaryPrimitives.WriteInt32LittleEndian(
            header.AsSpan(NodeLengthAt), Encoding.UTF8.GetBytes(node, header.AsSpan(NamesAt + boot)));
        return header;
    }

    private static IEnumerable<string> FilesAt(string path) =>
        Directory.Exists(path) ? Directory.GetFiles(path, $"*{Extension}").Order(StringComparer.Ordinal)
        : File.Exists(path) ? [path]
        : throw new CliFault(
            $"Expected a flight recorder's file, or a folder of such, at {path}, found none. Look at flight.folder of "
            + "the node's configuration.");

    private static IEnumerable<FlightEvent> Read(string path)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        byte[] bytes = new byte[file.Length];
        file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        if (bytes.Length < SlotBytes || !bytes.AsSpan().StartsWith(Magic))
        {
            throw new CliFault(
                $"Expected a flight recorder's file at {path}, found another one. Name one that a node wrote.");
        }

        int boot = BoundedBy(SlotBytes - NamesAt, bytes, BootLengthAt);
        int node = BoundedBy(SlotBytes - NamesAt - boot, bytes, NodeLengthAt);
        string bootId = Encoding.UTF8.GetString(bytes, NamesAt, boot);
        string nodeId = Encoding.UTF8.GetString(bytes, NamesAt + boot, node);
        for (int at = SlotBytes; at + SlotBytes <= bytes.Length; at += SlotBytes)
        {
            long number = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(at));
            if (number > 0)
            {
                yield return new FlightEvent(
                    bootId,
                    nodeId,
                    number,
                    BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(at + MonotonicAt)),
                    TimeOf(BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(at + UtcAt))),
                    Encoding.UTF8.GetString(bytes, at + TextAt, BoundedBy(SlotBytes - TextAt, bytes, at + LengthAt)));
            }
        }
    }

    private static int BoundedBy(int most, byte[] bytes, int at) =>
        Math.Clamp(BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at)), 0, most);

    private static DateTimeOffset TimeOf(long unixMs) => DateTimeOffset.FromUnixTimeMilliseconds(
        Math.Clamp(unixMs, 0, DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()));
}
