// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Hocon;

/// <summary>Where a value was written: every value keeps it, and every error begins with it.</summary>
/// <param name="File">As the user named it; a resource's name for <c>reference.conf</c>.</param>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1, in characters.</param>
internal readonly record struct HoconOrigin(string File, int Line, int Column)
{
    public override string ToString() => $"{File}:{Line}:{Column}";
}
