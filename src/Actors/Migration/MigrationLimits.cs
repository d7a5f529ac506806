// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Migration;

/// <summary>How long memory is copied before a guest stands still for its move. Defaults are those of
/// <c>reference.conf</c>.</summary>
/// <param name="DowntimeTarget">A guest stands still once what is left goes over in this time.</param>
/// <param name="RoundsMax">Rounds over the pages written meanwhile, the first one, over all pages, among them.</param>
/// <param name="BytesPerSecondMax">On the wire, while the guest runs; 0: no limit.</param>
public sealed record MigrationLimits(TimeSpan DowntimeTarget, int RoundsMax, ulong BytesPerSecondMax)
{
    public PageCompression Compression { get; init; }

    public static MigrationLimits Default { get; } = new(TimeSpan.FromMilliseconds(30), 30, 0);
}
