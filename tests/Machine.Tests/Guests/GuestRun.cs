// SPDX-License-Identifier: Apache-2.0

using System.Text;
using Iced.Intel;
using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine.Loaders;

namespace KvmActors.Machine.Tests.Guests;

/// <summary>A guest that ran to its end or its limit, with all it printed.</summary>
internal sealed record GuestRun(SoloRunResult Result, string Console)
{
    public static MachineSpec Spec(HypercallPatchPolicy policy = HypercallPatchPolicy.Auto) =>
        new(VcpuCount: 1, MemoryBytes: 16UL << 20, policy, MachineSpec.TurnTicksDefault);

    public static GuestRun Of(
        BootImage image,
        HostVendor vendor = HostVendor.Intel,
        HypercallPatchPolicy policy = HypercallPatchPolicy.Auto,
        ulong instructionsMax = 2_000_000_000,
        params SoloVendorChange[] changes) =>
        Of(new SoloRunOptions(Spec(policy), image, TestCpuid.Table, vendor, instructionsMax, [.. changes]));

    public static GuestRun Of(SoloRunOptions options)
    {
        StringBuilder console = new();
        SoloRunResult result = SoloRun.Run(
            options,
            bytes => console.Append(Encoding.ASCII.GetString(bytes.Span)),
            cancelled: () => false);
        return new GuestRun(result, console.ToString());
    }

    /// <summary>A real-mode guest at 0000:7C00.</summary>
    public static BootImage Flat(Action<Assembler> emit)
    {
        Assembler assembler = new(bitness: 16);
        emit(assembler);
        MemoryStream bytes = new();
        _ = assembler.Assemble(new StreamCodeWriter(bytes), BootImageLoader.FlatLoadAddress);
        return BootImageLoader.Flat(bytes.ToArray(), "");
    }

    public static VirtualMachine Machine(BootImage image, HostVendor vendor = HostVendor.Intel) =>
        VirtualMachine.Create(Spec(), [TestCpuid.Table], vendor, image);
}
