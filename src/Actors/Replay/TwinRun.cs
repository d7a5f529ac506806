// SPDX-License-Identifier: Apache-2.0

using System.Security.Cryptography;
using KvmActors.Actors.Vm;
using KvmActors.Machine;
using KvmActors.Machine.Hashing;
using KvmActors.Machine.Time;

namespace KvmActors.Actors.Replay;

/// <summary>Runs a <see cref="TwinScript"/> in this process and thread.</summary>
public static class TwinRun
{
    /// <param name="image">The boot image the script's VM was created with.</param>
    /// <param name="initrd">The initial RAM disk, or nothing, as then.</param>
    /// <exception cref="ArgumentException">The image or the RAM disk is another one.</exception>
    /// <exception cref="InvalidOperationException">The twin stopped before the script's end: it is not
    /// deterministic.</exception>
    public static TwinResult Execute(
        TwinScript script,
        IGuestFactory guests,
        ReadOnlyMemory<byte> image,
        ReadOnlyMemory<byte> initrd = default)
    {
        if (script.Origin is { } origin)
        {
            throw new ArgumentException(
                $"Expected the script of a VM that was booted, found one that goes on at VM time {origin.VmTime} of "
                + $"{origin.Vm}. Give the guest as it was there to {nameof(Continue)}.",
                nameof(script));
        }

        string sha256 = Convert.ToHexStringLower(SHA256.HashData(image.Span));
        if (sha256 != script.ImageSha256)
        {
            throw new ArgumentException(
                $"Expected the boot image {script.ImageSha256}, found {sha256}. Use the image the VM was created with.",
                nameof(image));
        }

        string ofInitrd = initrd.IsEmpty ? "" : Convert.ToHexStringLower(SHA256.HashData(initrd.Span));
        if (ofInitrd != script.InitrdSha256)
        {
            throw new ArgumentException(
                $"Expected the initial RAM disk \"{script.InitrdSha256}\", found \"{ofInitrd}\" (by SHA-256; empty: "
                + "none). Use the one the VM was created with.",
                nameof(initrd));
        }

        using IGuest guest = guests.Create(
            script.Spec,
            script.Cpuid,
            script.Vendors[0].Vendor,
            new GuestImage(image, script.CommandLine) { Initrd = initrd });
        return Run(script, guest);
    }

    /// <summary>The same for a VM that was restored or forked.</summary>
    /// <param name="guest">As it was at the script's origin. Runs on; stays the caller's.</param>
    /// <exception cref="ArgumentException">It stands elsewhere, or in another state.</exception>
    /// <exception cref="InvalidOperationException">The twin stopped before the script's end: it is not
    /// deterministic.</exception>
    public static TwinResult Continue(TwinScript script, IGuest guest)
    {
        ArgumentNullException.ThrowIfNull(guest);
        string expected = $"{script.Origin?.VmTime} {script.Origin?.State} {script.Origin?.Memory}";
        string found = $"{guest.VmTime} {guest.HashState()} {guest.SumMemory()}";
        if (expected != found)
        {
            throw new ArgumentException(
                $"Expected the guest at the VM time, state and memory sum of the script's origin, {expected}; found "
                + $"{found}.",
                nameof(guest));
        }

        return Run(script, guest);
    }

    private static TwinResult Run(TwinScript script, IGuest guest)
    {
        using var console = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (ulong stop in Stops(script))
        {
            RunTo(guest, stop, console);
            Enter(guest, script, stop);
        }

        if (script.Ends)
        {
            RunTo(guest, script.UntilVmTime + 1, console);
        }

        StateHash end = guest.HashState();
        guest.HostVendor = script.VendorAfterEnd ?? guest.HostVendor;
        return new TwinResult(
            guest.VmTime,
            guest.InstructionsRetired,
            guest.End,
            end,
            guest.HashState(),
            guest.SumMemory(),
            Convert.ToHexStringLower(console.GetHashAndReset()));
    }

    private static IEnumerable<ulong> Stops(TwinScript script) =>
        script.Vendors.Select(change => change.VmTime)
            .Concat(script.Inputs.Select(input => input.VmTime))
            .Append(script.UntilVmTime)
            .Distinct()
            .Order();

    private static void Enter(IGuest guest, TwinScript script, ulong vmTime)
    {
        foreach (TwinScript.VendorAt change in script.Vendors.Where(change => change.VmTime == vmTime))
        {
            guest.HostVendor = change.Vendor;
        }

        foreach (TwinScript.InputAt input in script.Inputs.Where(input => input.VmTime == vmTime))
        {
            guest.InjectInput(input.Bytes.AsSpan());
        }
    }

    private static void RunTo(IGuest guest, ulong vmTime, IncrementalHash console)
    {
        while (guest.VmTime < vmTime && guest.End is null)
        {
            SliceResult slice = guest.RunSlice(new SliceLimits(vmTime, static () => false));
            console.AppendData(slice.Console.Span);
            if (slice.Stop == SliceStop.Idle && guest.VmTime < vmTime)
            {
                throw new InvalidOperationException(
                    $"Expected the twin to run to VM time {vmTime}, found it waiting for an input at {guest.VmTime}.");
            }
        }
    }
}

/// <summary>Where a twin came to.</summary>
/// <param name="RunState">When the twin had run its last instruction: what the last Progress holds.</param>
/// <param name="State">With the vendor of the node that got the VM after its guest had ended: what a replay of the
/// whole journal comes to.</param>
/// <param name="ConsoleSha256">Over all console bytes.</param>
public sealed record TwinResult(
    ulong VmTime,
    ulong InstructionsRetired,
    MachineEnd? End,
    StateHash RunState,
    StateHash State,
    MemorySum Memory,
    string ConsoleSha256);
