// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Debugging;

/// <summary>An exception or interrupt that was delivered to a guest between two instructions.</summary>
/// <param name="IsInterrupt">True for an interrupt or an NMI, false for an exception.</param>
/// <param name="ErrorCode">What was pushed beside the return address, or null.</param>
public readonly record struct GuestDelivery(byte Vector, bool IsInterrupt, uint? ErrorCode)
{
    private static readonly string?[] s_exceptions =
    [
        "#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", null, "#TS", "#NP", "#SS", "#GP", "#PF", null,
        "#MF", "#AC", "#MC", "#XM", "#VE", "#CP",
    ];

    /// <summary><c>#PF</c>, <c>NMI</c>, <c>interrupt 0x20</c>. Source: Intel SDM vol. 3A, table 7-1.</summary>
    public string Name => !IsInterrupt || Vector == 2
        ? s_exceptions.ElementAtOrDefault(Vector) ?? $"exception 0x{Vector:x2}"
        : $"interrupt 0x{Vector:x2}";

    public override string ToString() => ErrorCode is { } code ? $"{Name} with error code 0x{code:x}" : Name;
}
