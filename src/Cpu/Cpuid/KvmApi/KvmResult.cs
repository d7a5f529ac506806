// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics.CodeAnalysis;

namespace KvmActors.Cpu.Cpuid.KvmApi;

/// <summary>What a call gave, or why it was refused; never both.</summary>
public sealed class KvmResult<T>
    where T : class
{
    private KvmResult(T? value, KvmError? error) => (Value, Error) = (value, error);

    public T? Value { get; }

    public KvmError? Error { get; }

    [MemberNotNullWhen(true, nameof(Value))]
    [MemberNotNullWhen(false, nameof(Error))]
    public bool Succeeded => Error is null;

    public static implicit operator KvmResult<T>(T value) => new(value, null);

    public static implicit operator KvmResult<T>(KvmError error) => new(null, error);
}
