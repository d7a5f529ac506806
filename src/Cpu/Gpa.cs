// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu;

/// <summary>A guest physical address (GPA): a byte offset into the guest's physical address space.</summary>
/// <remarks>Never interchangeable with a <see cref="Gva"/>; only a page walk turns one into the other.</remarks>
public readonly record struct Gpa(ulong Value)
{
    public static Gpa operator +(Gpa start, ulong bytes) => new(checked(start.Value + bytes));

    public override string ToString() => $"GPA 0x{Value:x}";
}
