// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Debug;

/// <summary>What a packet that lets the guest go on asks for.</summary>
/// <param name="SteppedVcpu">One step of it; null: until something stops the guest.</param>
internal readonly record struct GdbResume(bool IsReverse, int? SteppedVcpu)
{
    /// <summary>Reads c, s, C, S, bc, bs and vCont. Signals mean nothing to a guest and are dropped.</summary>
    /// <param name="current">Stepped where the packet names no thread.</param>
    /// <returns>Null where it does not read, or wants what cannot be: to go on at another address.</returns>
    public static GdbResume? Parse(string packet, int current, int vcpuCount) => packet switch
    {
        "c" or ['C', _, _] => new GdbResume(false, null),
        "s" or ['S', _, _] => new GdbResume(false, current),
        "bc" => new GdbResume(true, null),
        "bs" => new GdbResume(true, current),
        _ => packet.StartsWith("vCont;", StringComparison.Ordinal)
            ? ParseActions(packet["vCont;".Length..], current, vcpuCount)
            : null,
    };

    /// <summary>Actions for threads, of which the first that fits a thread counts. All vCPUs go on in any case, in the
    /// turns in which they were recorded; the first that is to step ends it.</summary>
    private static GdbResume? ParseActions(string actions, int current, int vcpuCount)
    {
        int? stepped = null;
        foreach (string action in actions.Split(';'))
        {
            string[] parts = action.Split(':');
            if (parts.Length > 2
                || !GdbThreads.TryParse(parts.Length == 2 ? parts[1] : "-1", vcpuCount, out int? vcpu)
                || parts[0] is not ("c" or "s" or ['C', _, _] or ['S', _, _]))
            {
                return null;
            }

            if (parts[0][0] is 's' or 'S')
            {
                stepped ??= vcpu ?? current;
            }
        }

        return new GdbResume(false, stepped);
    }
}
