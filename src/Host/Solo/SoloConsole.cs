// SPDX-License-Identifier: Apache-2.0

using System.Security.Cryptography;
using System.Text;

namespace KvmActors.Host.Solo;

/// <summary>Takes the guest's serial output: passes it on, hashes it, and keeps its end for the report.</summary>
/// <param name="target">Null: kept only.</param>
internal sealed class SoloConsole(Stream? target) : IDisposable
{
    public const int KeptBytesMax = 1024 * 1024;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly MemoryStream _kept = new();

    /// <summary>What went wrong when it was passed on, after which nothing is passed on any more.</summary>
    public IOException? Fault { get; private set; }

    public string Text
    {
        get
        {
            int length = (int)Math.Min(_kept.Length, KeptBytesMax);
            return Encoding.UTF8.GetString(_kept.GetBuffer().AsSpan((int)_kept.Length - length, length));
        }
    }

    public string Sha256 => Convert.ToHexStringLower(_hash.GetCurrentHash());

    public void Dispose() => _hash.Dispose();

    public void Write(ReadOnlyMemory<byte> bytes)
    {
        _hash.AppendData(bytes.Span);
        Keep(bytes.Span);
        if (target is null || Fault is not null)
        {
            return;
        }

        try
        {
            target.Write(bytes.Span);
            target.Flush();
        }
        catch (IOException fault)
        {
            Fault = fault;
        }
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        if (_kept.Length > 2 * KeptBytesMax)
        {
            byte[] end = _kept.GetBuffer()[(int)(_kept.Length - KeptBytesMax)..(int)_kept.Length];
            _kept.SetLength(0);
            _kept.Write(end);
        }

        _kept.Write(bytes);
    }
}
