// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence;

namespace KvmActors.Actors;

/// <summary>Refusals that several actors give.</summary>
internal static class Refusals
{
    public static Refusal StoreAway(StoreUnavailableException failure) => new(
        RefusalKind.Unavailable,
        "an answer of the store",
        failure.Message,
        "Send the command again under the same id.");

    public static Refusal LeaseOver(NodeId node) => new(
        RefusalKind.Unavailable,
        $"the lease of {node} to hold",
        "it has run out, because the store could not be reached in time",
        "Send the command again under the same id.");

    public static Refusal Draining(NodeId node) => new(
        RefusalKind.Unsuitable,
        $"{node} to take VMs",
        "it draining: it gives away what it owns, and leaves",
        "Choose another node.");

    public static Refusal BeingRebuilt(VmId vm) => new(
        RefusalKind.Unavailable,
        $"{vm} to be running on its node",
        "it being rebuilt from its journal",
        "Send the command again under the same id in a moment.");

    public static Refusal PagesCollected(VmId vm) => new(
        RefusalKind.Unavailable,
        $"the pages of {vm} to be in the store",
        "some deleted by a collection (store gc) at the same moment",
        "Send the command again.");

    /// <param name="count">vCPUs that there are.</param>
    public static Refusal NoSuchVcpu(int index, int count) => new(
        RefusalKind.NotFound,
        count == 1 ? "vCPU 0, the VM's only one" : $"a vCPU from 0 to {count - 1}",
        $"vCPU {index}",
        "Look at: vm show.");

    public static Refusal Overloaded(string what) => new(
        RefusalKind.Busy, $"room for another {what}", "none", "Send it again under the same id in a moment.");
}
