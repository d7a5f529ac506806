// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Demo;

/// <summary>When the guest moves and when its node is killed, in retired instructions.</summary>
/// <param name="Length">About how many instructions the guest works.</param>
/// <param name="End">Exactly how many a guest without a gate has; null: it does not end before its key comes, and until
/// then its instructions go on.</param>
internal sealed record DemoTimes(ulong Length, ulong? End, ulong MigrateAfter, ulong? KillAfter)
{
    /// <summary>For a guest with a gate.</summary>
    /// <exception cref="CliFault">The kill was asked for before the move.</exception>
    public static DemoTimes OfGated(ulong length, DemoOptions options) => Of(length, end: null, options);

    /// <summary>For a guest without one.</summary>
    /// <exception cref="CliFault">The kill was asked for before the move, or one of both not before the end.
    /// </exception>
    public static DemoTimes OfUngated(ulong end, DemoOptions options) => Of(end, end, options);

    /// <returns>Instructions after which the node is killed that has had the guest from <paramref name="movedAt"/> on:
    /// a move takes its time, in which a fast guest may come far, and it shall do something on its second node too.
    /// </returns>
    public ulong KillAfterMoveAt(ulong movedAt) => KillAfter
        ?? Math.Max(Length / 3 * 2, movedAt + (End is { } end ? (end - movedAt) / 3 : Length / 12));

    private static DemoTimes Of(ulong length, ulong? end, DemoOptions options)
    {
        ulong migrate = options.MigrateAfter ?? length / 4;
        if (options.KillAfter <= migrate)
        {
            throw new CliFault(
                $"Expected --migrate-after < --kill-after, found {migrate} and {options.KillAfter}. Choose others.",
                exitCode: CliFault.Usage);
        }

        ulong last = options.KillAfter ?? migrate;
        return last >= end
            ? throw new CliFault(
                $"Expected --migrate-after and --kill-after below {end} (the guest's length in instructions), found "
                + $"{last}. Choose others.",
                exitCode: CliFault.Usage)
            : new DemoTimes(length, end, migrate, options.KillAfter);
    }
}
