// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.KvmApi;

/// <summary>Why a call was refused: the number a caller of KVM would get, and a sentence for a person (expected,
/// found, what to do).</summary>
public sealed record KvmError(KvmErrno Errno, string Sentence)
{
    public override string ToString() => $"{Errno.ToString().ToUpperInvariant()}: {Sentence}";
}
