// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence;

/// <summary>One store holds journal, snapshots, pages, ownership and membership, so that a fence is one
/// transaction.</summary>
public interface IStore :
    Journal.IJournal,
    Ownership.IOwnership,
    Snapshots.ISnapshots,
    Pages.IPages,
    Membership.IMembership,
    Upkeep.IUpkeep,
    IAsyncDisposable;
