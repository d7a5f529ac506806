// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Samples.Guests.Duet;

/// <summary>A name in an ELF's symbol table.</summary>
internal sealed record GuestSymbol(string Name, uint Address, uint SizeBytes, bool IsCode);
