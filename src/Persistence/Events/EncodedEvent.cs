// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Events;

/// <summary>An event as the columns of its row.</summary>
/// <param name="Version">Version of the payload's format for this kind.</param>
/// <param name="Payload">Protobuf bytes; the same event always gives the same bytes.</param>
public readonly record struct EncodedEvent(EventKind Kind, int Version, ReadOnlyMemory<byte> Payload);
