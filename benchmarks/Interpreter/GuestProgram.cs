// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;

namespace KvmActors.Benchmarks.Interpreter;

/// <summary>A program for a guest, and the same work in C#.</summary>
/// <param name="Name">One word.</param>
/// <param name="Emit">64-bit code that leaves its result in RAX and halts.</param>
/// <param name="Plain">The same result, by the host's processor.</param>
internal sealed record GuestProgram(string Name, Action<Assembler> Emit, Func<ulong> Plain);
