// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Hashing;

/// <summary>The sum mod 2^128 of H128(gpa, page) over the non-zero pages of guest memory, where H128 is the first 16
/// bytes (little-endian) of SHA-256 over the GPA (8 bytes, little-endian) and the page.</summary>
public readonly record struct MemorySum(UInt128 Value)
{
    public override string ToString() => Value.ToString("x32", System.Globalization.CultureInfo.InvariantCulture);
}
