// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Files;

/// <summary>A page of guest memory in a saved VM's file.</summary>
/// <param name="PageNumber">GPA / 4096.</param>
/// <param name="Bytes">4096 bytes; none where <paramref name="SameAs"/> is set.</param>
/// <param name="SameAs">An earlier page with the same content; null where the content stands here.</param>
public readonly record struct SavedPage(int PageNumber, ReadOnlyMemory<byte> Bytes, int? SameAs);
