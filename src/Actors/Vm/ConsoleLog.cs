// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Vm;

/// <summary>The last <see cref="BytesMax"/> bytes that a VM's console released, numbered from its creation.</summary>
/// <remarks>Only bytes whose commit is durable come in here, so whatever is read from it may leave the node. One thread
/// at a time.</remarks>
public sealed class ConsoleLog
{
    /// <summary>Bytes kept. A client that attaches farther back is told where the log begins.</summary>
    public const int BytesMax = 1 << 20;

    private byte[] _buffer;
    private int _length;

    /// <summary>A log that goes on behind <paramref name="tail"/>, whose last byte has number <paramref name="end"/> -
    /// 1.</summary>
    /// <exception cref="ArgumentException">The tail is longer than the console's whole output.</exception>
    public ConsoleLog(ulong end, ReadOnlySpan<byte> tail)
    {
        if ((ulong)tail.Length > end)
        {
            throw new ArgumentException(
                $"Expected at most {end} bytes of console before offset {end}, found {tail.Length}.", nameof(tail));
        }

        ReadOnlySpan<byte> kept = tail.Length > BytesMax ? tail[^BytesMax..] : tail;
        _buffer = kept.ToArray();
        _length = kept.Length;
        Start = end - (ulong)kept.Length;
    }

    /// <summary>Number of the first byte that is still kept.</summary>
    public ulong Start { get; private set; }

    /// <summary>Number of the next byte to come.</summary>
    public ulong End => Start + (ulong)_length;

    /// <summary>Takes bytes whose first has number <paramref name="offset"/>. Bytes that are here already are dropped:
    /// a rebuild puts out again what was released before.</summary>
    /// <exception cref="InvalidOperationException">Bytes are missing between the log and
    /// <paramref name="offset"/>.</exception>
    public void Append(ulong offset, ReadOnlySpan<byte> bytes)
    {
        if (offset > End)
        {
            throw new InvalidOperationException(
                $"Expected console bytes from number {End} on, found them from {offset}: some are missing.");
        }

        ulong known = End - offset;
        if (known < (ulong)bytes.Length)
        {
            Add(bytes[(int)known..]);
        }
    }

    /// <summary>At most <paramref name="bytesMax"/> bytes from <paramref name="offset"/> on; none at the end.</summary>
    /// <param name="offset">From <see cref="Start"/> to <see cref="End"/>.</param>
    public byte[] Read(ulong offset, int bytesMax)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(offset, Start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, End);
        int first = (int)(offset - Start);
        return _buffer.AsSpan(first, Math.Min(bytesMax, _length - first)).ToArray();
    }

    /// <summary>The last <see cref="BytesMax"/> bytes at most: what a snapshot and a hand-over take along.</summary>
    public byte[] Tail()
    {
        int kept = Math.Min(_length, BytesMax);
        return _buffer.AsSpan(_length - kept, kept).ToArray();
    }

    private void Add(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> added = bytes;
        if (added.Length > BytesMax)
        {
            Drop(_length);
            Start += (ulong)(added.Length - BytesMax);
            added = added[^BytesMax..];
        }

        // Up to twice the bound is held, so that each byte is moved at most once on its way out.
        if (_length + added.Length > 2 * BytesMax)
        {
            Drop(_length + added.Length - BytesMax);
        }

        if (_length + added.Length > _buffer.Length)
        {
            Array.Resize(ref _buffer, Math.Min(2 * BytesMax, Math.Max(4096, 2 * (_length + added.Length))));
        }

        added.CopyTo(_buffer.AsSpan(_length));
        _length += added.Length;
    }

    private void Drop(int bytes)
    {
        _buffer.AsSpan(bytes, _length - bytes).CopyTo(_buffer);
        _length -= bytes;
        Start += (ulong)bytes;
    }
}
