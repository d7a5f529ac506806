// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Cluster;

/// <summary>What became of a commit without an answer: see <see cref="CommitVerdicts"/>.</summary>
public enum CommitVerdict
{
    NotLanded = 1,
    Landed = 2,
    Lost = 3,
    Broken = 4,
}
