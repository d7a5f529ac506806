// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Text;

namespace KvmActors.Host.Debug;

/// <summary>What one packet of gdb's is answered with.</summary>
/// <param name="Payloads">In this order; none where gdb expects nothing.</param>
/// <param name="EndsSession">gdb is done with the guest.</param>
internal sealed record GdbReply(ImmutableArray<ReadOnlyMemory<byte>> Payloads, bool EndsSession = false)
{
    /// <summary>"I do not know this packet": gdb does without.</summary>
    public static GdbReply Unknown { get; } = Of("");

    public static GdbReply Ok { get; } = Of("OK");

    /// <summary>No such address: EFAULT.</summary>
    public static GdbReply NoMemory { get; } = Of("E0e");

    /// <summary>The packet does not read: EINVAL.</summary>
    public static GdbReply Malformed { get; } = Of("E16");

    public static GdbReply Of(string text) => new([Encoding.Latin1.GetBytes(text)]);

    /// <summary>An error in words, which gdb shows or quotes.</summary>
    public static GdbReply Refused(string why) => Of($"E.{why}");
}
