// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Membership;

/// <summary>The clock leases are measured by: CLOCK_MONOTONIC of this machine, which all its processes share.</summary>
/// <remarks>.NET's <see cref="TimeProvider.GetTimestamp"/> reads CLOCK_MONOTONIC on Linux, and it counts from
/// boot.</remarks>
public sealed class LeaseClock(TimeProvider time)
{
    private const string BootIdFile = "/proc/sys/kernel/random/boot_id";

    /// <summary>Milliseconds since the boot of the machine.</summary>
    public long NowMs => (long)((Int128)time.GetTimestamp() * 1000 / time.TimestampFrequency);

    /// <summary>Names the boot of this machine, so that a lease of an earlier one is known to be over.</summary>
    /// <exception cref="PlatformNotSupportedException">The kernel offers no boot id: not Linux, or no
    /// /proc.</exception>
    public static string ReadBootId()
    {
        try
        {
            return File.ReadAllText(BootIdFile).Trim();
        }
        catch (IOException fault)
        {
            throw new PlatformNotSupportedException(
                $"Expected the boot id of the machine in {BootIdFile}, found none. Give one as an option.", fault);
        }
    }
}
