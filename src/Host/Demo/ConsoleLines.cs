// SPDX-License-Identifier: Apache-2.0

using System.Security.Cryptography;
using System.Text;

namespace KvmActors.Host.Demo;

/// <summary>The guest's console as its client receives it: hashed byte by byte, and cut into lines for the
/// narration.</summary>
internal sealed class ConsoleLines(Action<string> line) : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly List<byte> _partial = [];

    /// <summary>Bytes received so far: the offset to ask for next.</summary>
    public ulong Offset { get; private set; }

    public string Sha256 => Convert.ToHexStringLower(_hash.GetCurrentHash());

    public void Dispose() => _hash.Dispose();

    /// <summary>Takes bytes that begin at <paramref name="offset"/>, counted from the VM's creation.</summary>
    /// <exception cref="CliFault">A byte was lost or repeated.</exception>
    public void Take(ulong offset, ReadOnlySpan<byte> bytes)
    {
        if (offset != Offset)
        {
            throw new CliFault(
                $"Expected console byte {Offset} next, found byte {offset}: the cluster lost or repeated output. "
                + "This is a defect; keep the store with --keep DIR and report it.");
        }

        _hash.AppendData(bytes);
        Offset += (ulong)bytes.Length;
        foreach (byte next in bytes)
        {
            if (next == (byte)'\n')
            {
                line(Encoding.UTF8.GetString([.. _partial]).TrimEnd('\r'));
                _partial.Clear();
            }
            else
            {
                _partial.Add(next);
            }
        }
    }
}
