// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Vm;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Host.Node;

namespace KvmActors.Host.Tests.Node;

public sealed class RehearsalTests
{
    private static readonly MachineGuestFactory s_guests = new(NodeHost.EngineName);

    [Theory]
    [InlineData("intel-xeon-platinum-9242.txt", HostVendor.Intel)]
    [InlineData("amd-epyc-9334.txt", HostVendor.Amd)]
    public async Task A_small_vm_is_created_moved_and_taken_over(string dump, HostVendor vendor)
    {
        CpuidTable cpuid = CpuidSource.Read(Path.Combine(AppContext.BaseDirectory, "cpuid", dump));

        TimeSpan took = await Rehearsal.RunAsync(s_guests, cpuid, vendor, CancellationToken.None);

        Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task One_that_is_asked_to_stop_ends_before_its_end()
    {
        CpuidTable cpuid = CpuidSource.Read(
            Path.Combine(AppContext.BaseDirectory, "cpuid", "intel-xeon-platinum-9242.txt"));
        using CancellationTokenSource stop = new(TimeSpan.FromMilliseconds(200));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Rehearsal.RunAsync(s_guests, cpuid, HostVendor.Intel, stop.Token));
    }
}
