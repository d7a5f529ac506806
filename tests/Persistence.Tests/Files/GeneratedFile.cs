// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Files;

namespace KvmActors.Persistence.Tests.Files;

/// <summary>A saved VM's file with pages of noise that is made while it is read, so that nobody holds it.</summary>
internal sealed class GeneratedFile(SavedVm saved) : Stream
{
    private readonly SavedVmWriter _writer = new(saved);
    private readonly Random _random = new(7);
    private ReadOnlyMemory<byte> _piece;
    private int _pages = -1;
    private bool _isAtEnd;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count)
    {
        if (_piece.IsEmpty && !_isAtEnd)
        {
            _piece = NextPiece();
        }

        int taken = Math.Min(count, _piece.Length);
        _piece[..taken].CopyTo(buffer.AsMemory(offset));
        _piece = _piece[taken..];
        return taken;
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        _writer.Dispose();
        base.Dispose(disposing);
    }

    private byte[] NextPiece()
    {
        if (_pages < 0)
        {
            _pages = 0;
            return _writer.Begin();
        }

        if (_pages == saved.PageCount)
        {
            _isAtEnd = true;
            return _writer.End();
        }

        int count = Math.Min(SavedVmWriter.PagesMax, saved.PageCount - _pages);
        byte[] piece = _writer.Pages([.. Enumerable.Range(_pages, count).Select(page => (page, Noise()))]);
        _pages += count;
        return piece;
    }

    private ReadOnlyMemory<byte> Noise()
    {
        byte[] page = new byte[4096];
        _random.NextBytes(page);
        return page;
    }
}
