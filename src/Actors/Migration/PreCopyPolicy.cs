// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Migration;

/// <summary>Whether another round of pre-copy is worth its time. Pure.</summary>
public static class PreCopyPolicy
{
    /// <summary>A round that leaves more than this part of what the one before left does not converge: the guest writes
    /// about as fast as is sent, and would be slowed down for nothing.</summary>
    public const double ConvergingPartMax = 0.9;

    /// <summary>A round that leaves at most this part of what it sent is soon over, and the guest runs on
    /// meanwhile.</summary>
    public const double HalvingPartMax = 0.5;

    /// <summary>So few pages go over in about a millisecond: less is not worth a round.</summary>
    public const int FewPages = 64;

    /// <param name="roundsDone">0: nothing was sent yet.</param>
    /// <param name="pagesLeft">Written since they were last sent.</param>
    /// <param name="pagesSent">In the last round.</param>
    /// <param name="took">The last round.</param>
    public static bool GoesOn(
        int roundsDone, int pagesLeft, int pagesSent, TimeSpan took, MigrationLimits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        if (roundsDone == 0)
        {
            return true;
        }

        bool isSmall = pagesLeft * took <= pagesSent * limits.DowntimeTarget;
        bool converges = pagesLeft <= pagesSent * ConvergingPartMax;
        bool isWorthMore = pagesLeft > FewPages && pagesLeft <= pagesSent * HalvingPartMax;
        return roundsDone < limits.RoundsMax && converges && (!isSmall || isWorthMore);
    }

    /// <summary>How long to wait before more is sent, so that the limit holds since the move began.</summary>
    /// <param name="bytesSent">On the wire.</param>
    public static TimeSpan PauseAfter(long bytesSent, TimeSpan took, MigrationLimits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        if (limits.BytesPerSecondMax == 0)
        {
            return TimeSpan.Zero;
        }

        var due = TimeSpan.FromSeconds(bytesSent / (double)limits.BytesPerSecondMax);
        return due > took ? due - took : TimeSpan.Zero;
    }
}
