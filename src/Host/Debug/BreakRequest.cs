// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu;

namespace KvmActors.Host.Debug;

/// <summary>What a packet Z or z names.</summary>
/// <param name="SizeBytes">Of a watchpoint; of a breakpoint it means nothing here.</param>
internal readonly record struct BreakRequest(BreakKind Kind, Gva Address, uint SizeBytes)
{
    /// <summary>Reads <c>TYPE,ADDRESS,SIZE</c>; null where it is something else. Conditions are never asked for, and
    /// so are refused.</summary>
    public static BreakRequest? Parse(string text)
    {
        string[] parts = text.Split(',');
        return parts.Length == 3
            && parts[0].Length == 1 && parts[0][0] is >= '0' and <= '4'
            && HexText.TryParse(parts[1], out ulong address)
            && HexText.TryParse(parts[2], out ulong size) && size <= uint.MaxValue
            ? new BreakRequest((BreakKind)(parts[0][0] - '0'), new Gva(address), (uint)size)
            : null;
    }
}
