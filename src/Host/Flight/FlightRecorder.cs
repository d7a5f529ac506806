// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.MemoryMappedFiles;
using System.Text;
using KvmActors.Persistence.Membership;

namespace KvmActors.Host.Flight;

/// <summary>The last events of one life of a node: a ring in a file that is mapped into memory.</summary>
/// <remarks>
/// An event costs a copy of some bytes, no call of the kernel and no wait. What was recorded is the kernel's from then
/// on: a process that is killed, stopped or fails fast leaves it to whoever reads the file. The file has its room from
/// the start, so that a full disk is nobody's fault later. Names and numbers only: no guest's memory, no console, no
/// input. Any thread. The layout is in <see cref="FlightFile"/>.
/// </remarks>
internal sealed class FlightRecorder : IDisposable
{
    private const int LivesKept = 8;

    private readonly Lock _lock = new();
    private readonly byte[] _slot = new byte[FlightFile.SlotBytes];
    private readonly int _slots;
    private MemoryMappedFile? _file;
    private MemoryMappedViewAccessor? _view;
    private long _last;

    private FlightRecorder(MemoryMappedFile file, int slots)
    {
        _file = file;
        _slots = slots;
        _view = file.CreateViewAccessor();
    }

    /// <summary>Makes the file of this process, and deletes those of the node's oldest lives.</summary>
    /// <param name="folder">Is created where it is not there.</param>
    /// <param name="node">The node's name.</param>
    /// <exception cref="IOException">No room, or no right.</exception>
    /// <exception cref="UnauthorizedAccessException">No right.</exception>
    public static FlightRecorder Open(string folder, string node, int events)
    {
        Directory.CreateDirectory(folder);
        foreach (string old in Directory.GetFiles(folder, $"{node}.*{FlightFile.Extension}")
            .OrderByDescending(File.GetLastWriteTimeUtc)
            .Skip(LivesKept - 1))
        {
            File.Delete(old);
        }

        string path = Path.Combine(folder, $"{node}.{Environment.ProcessId}{FlightFile.Extension}");
        long bytes = (1L + events) * FlightFile.SlotBytes;
        FileStream file = new(path, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite | FileShare.Delete,
            PreallocationSize = bytes,
        });
        file.SetLength(bytes);
        FlightRecorder recorder = new(
            MemoryMappedFile.CreateFromFile(
                file,
                mapName: null,
                bytes,
                MemoryMappedFileAccess.ReadWrite,
                HandleInheritability.None,
                leaveOpen: false),
            events);
        recorder.NameAs(node);
        return recorder;
    }

    /// <summary>Under which name the events are shown: the node's id, as soon as it has one.</summary>
    public void NameAs(string node)
    {
        lock (_lock)
        {
            _view?.WriteArray(0, FlightFile.Header(node, LeaseClock.ReadBootId(), _slots), 0, FlightFile.SlotBytes);
        }
    }

    /// <param name="what">One line. What is longer than a slot is cut.</param>
    public void Record(string what)
    {
        lock (_lock)
        {
            if (_view is null)
            {
                return;
            }

            long number = ++_last;
            Span<byte> slot = _slot;
            Encoding.UTF8.GetEncoder().Convert(
                what, slot[FlightFile.TextAt..], flush: true, out _, out int length, out _);
            BinaryPrimitives.WriteInt64LittleEndian(slot, number);
            BinaryPrimitives.WriteInt64LittleEndian(slot[FlightFile.MonotonicAt..], MonotonicNs());
            BinaryPrimitives.WriteInt64LittleEndian(
                slot[FlightFile.UtcAt..], TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
            BinaryPrimitives.WriteInt32LittleEndian(slot[FlightFile.LengthAt..], length);
            long at = (1 + ((number - 1) % _slots)) * FlightFile.SlotBytes;

            // A process that dies halfway leaves a slot without a number, which is none.
            _view.Write(at, 0L);
            _view.WriteArray(at + sizeof(long), _slot, sizeof(long), FlightFile.TextAt - sizeof(long) + length);
            _view.Write(at, number);
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _view?.Dispose();
            _view = null;
            _file?.Dispose();
            _file = null;
        }
    }

    private static long MonotonicNs() =>
        (long)((Int128)Stopwatch.GetTimestamp() * 1_000_000_000 / Stopwatch.Frequency);
}
