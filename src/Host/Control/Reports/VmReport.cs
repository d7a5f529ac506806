// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using KvmActors.Host.Control.V1;

namespace KvmActors.Host.Control.Reports;

/// <summary>A VM as JSON shows it. What does not apply is null.</summary>
internal sealed record VmReport(
    string Name,
    string State,
    string? Owner,
    ulong Epoch,
    string HostVendor,
    uint Vcpus,
    ulong MemoryBytes,
    string HypercallPatch,
    string Image,
    string ImageSha256,
    ulong VmTime,
    ulong Instructions,
    ulong DurableVmTime,
    ulong ConsoleBytes,
    string? End,
    int? ExitCode,
    string? MovingTo,
    MoveProgressReport? Move,
    string? Problem,
    RecoveryReport? Recovery,
    ImmutableArray<PatchReport> Patches)
{
    public static VmReport Of(VmStatus vm) => new(
        vm.Name,
        vm.State,
        OrNull(vm.Owner),
        vm.Epoch,
        vm.HostVendor,
        vm.Vcpus,
        vm.MemoryBytes,
        vm.HypercallPatch,
        vm.Image,
        vm.ImageSha256,
        vm.VmTime,
        vm.Instructions,
        vm.DurableVmTime,
        vm.ConsoleBytes,
        OrNull(vm.End),
        vm.HasExitCode ? vm.ExitCode : null,
        OrNull(vm.MovingTo),
        vm.Move is { } move ? MoveProgressReport.Of(move) : null,
        OrNull(vm.Problem),
        vm.Recovery is { } recovery ? RecoveryReport.Of(recovery) : null,
        [.. vm.Patches.Select(PatchReport.Of)]);

    private static string? OrNull(string text) => text.Length == 0 ? null : text;
}
