// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.KvmApi;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Kvm.Tests;

/// <summary>The device, where there is one, and what is said where there is none.</summary>
public sealed class KvmDeviceTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("/dev/no-such-kvm", 2, "Expected open of /dev/no-such-kvm to work, found ENOENT (2: ")]
    [InlineData("/dev/null", 25, "Expected KVM_GET_API_VERSION to work, found ENOTTY (25: ")]
    public void What_is_no_kvm_is_refused_with_the_errors_name(string path, int errno, string message)
    {
        if (!OperatingSystem.IsLinux())
        {
            output.WriteLine("Skipped: not on Linux.");
            return;
        }

        KvmFault fault = Assert.Throws<KvmFault>(() => KvmDevice.Open(path));

        Assert.Equal(errno, fault.Errno);
        Assert.StartsWith(message, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, "EPERM", "join the group kvm")]
    [InlineData(6, "ENXIO", "no driver answers it")]
    [InlineData(19, "ENODEV", "no driver answers it")]
    public void A_refusal_says_its_name_and_what_to_do(int errno, string name, string advice)
    {
        string message = new KvmFault("open of /dev/kvm", errno).Message;

        Assert.Contains($"found {name} ({errno}: ", message, StringComparison.Ordinal);
        Assert.Contains(advice, message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_kernels_table_is_read_as_it_is_written()
    {
        var table = CpuidTable.Of([
            new CpuidEntry(0, 0, CpuidEntryFlags.None, 1, 2, 3, 4),
            new CpuidEntry(7, 1, (CpuidEntryFlags)0xDEAD_BEE7, 1, 2, 3, 4, 5, 6, 7)]);
        byte[] buffer = KvmCpuidBuffer.Write(table);

        Assert.Equal(8 + (2 * 40), buffer.Length);
        Assert.Equal(table, KvmCpuidBuffer.Read(buffer));
    }

    [Fact]
    public void A_usable_device_supports_what_it_must()
    {
        if (KvmDevice.WhyUnusable() is { } reason)
        {
            output.WriteLine($"Skipped: {reason}");
            return;
        }

        using var device = KvmDevice.Open();
        CpuidTable supported = device.GetSupportedCpuid();
        CpuidTable emulated = device.GetEmulatedCpuid();
        output.WriteLine($"{supported.Entries.Length} supported, {emulated.Entries.Length} emulated entries");

        Assert.Equal(1, device.CheckExtension(KvmCapability.ExtCpuid));
        Assert.True(supported.Vendor is CpuidVendor.Intel or CpuidVendor.Amd or CpuidVendor.Hygon, supported.Vendor);
        Assert.NotNull(supported.Find(0x4000_0001, 0));
        Assert.All(emulated.Entries, entry => Assert.True(entry.Leaf is 0 or 1 or 7, $"{entry}"));
    }
}
