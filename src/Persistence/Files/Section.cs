// SPDX-License-Identifier: Apache-2.0

using Google.Protobuf;
using KvmActors.Persistence.Wire;

namespace KvmActors.Persistence.Files;

/// <summary>A section of a saved VM's file whose checksum fits.</summary>
/// <param name="Offset">Of its first byte in the file.</param>
internal sealed record Section(string Tag, int Number, long Offset, ReadOnlyMemory<byte> Payload)
{
    /// <summary>Reads the payload.</summary>
    /// <exception cref="SavedVmException">It says nothing that this format allows: another program wrote
    /// it.</exception>
    internal T Understand<T>(Func<ReadOnlyMemory<byte>, T> read)
    {
        try
        {
            return read(Payload);
        }
        catch (Exception fault)
            when (fault is WireFault or InvalidProtocolBufferException or StoreCorruptException
                or JournalFormatException)
        {
            throw new SavedVmException(
                $"Section {Number} ({Tag.TrimEnd()}) of the file, at byte {Offset}, has a checksum that fits and a "
                + $"content that does not: {fault.Message} Restore it with the version that wrote it.",
                fault);
        }
    }
}
