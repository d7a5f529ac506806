// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Hocon;

/// <summary>A configuration that cannot be used. The message is <c>file:line:column: expected …, found ….
/// Advice.</c></summary>
internal sealed class HoconException(HoconOrigin origin, string expected, string found, string advice)
    : Exception($"{origin}: expected {expected}, found {found}. {advice}")
{
    public HoconOrigin Origin { get; } = origin;
}
