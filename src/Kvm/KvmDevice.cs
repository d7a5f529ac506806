// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.KvmApi;
using Microsoft.Win32.SafeHandles;

namespace KvmActors.Kvm;

/// <summary>/dev/kvm: what the KVM of this machine's kernel supports. Not safe for several threads.</summary>
/// <remarks>Source: Linux v6.19 Documentation/virt/kvm/api.rst.</remarks>
public sealed class KvmDevice : IDisposable
{
    public const string Path = "/dev/kvm";

    /// <summary>The only version since Linux 2.6.22.</summary>
    private const int ApiVersionKnown = 12;

    private readonly SafeFileHandle _device;

    private KvmDevice(SafeFileHandle device) => _device = device;

    /// <summary>Why <see cref="Open"/> would throw here, or null if it would not.</summary>
    public static string? WhyUnusable()
    {
        try
        {
            using KvmDevice device = Open();
            return null;
        }
        catch (KvmFault fault)
        {
            return fault.Message;
        }
    }

    /// <exception cref="KvmFault">The device is absent, refuses this process, or is none of KVM's.</exception>
    public static KvmDevice Open(string path = Path)
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            throw new KvmFault(
                $"Expected Linux on x86-64, where {path} is, found {RuntimeInformation.OSDescription} on "
                + $"{RuntimeInformation.ProcessArchitecture}. Name another source of CPUID.");
        }

        SafeFileHandle handle = NativeKvm.TryOpen(path) ?? throw new KvmFault($"open of {path}", NativeKvm.LastErrno);
        KvmDevice device = new(handle);
        try
        {
            int version = device.Control("KVM_GET_API_VERSION", KvmRequest.GetApiVersion, 0);
            return version == ApiVersionKnown
                ? device
                : throw new KvmFault(
                    $"Expected KVM's API version {ApiVersionKnown}, found {version}. Name another source of CPUID.");
        }
        catch (KvmFault)
        {
            device.Dispose();
            throw;
        }
    }

    /// <summary>KVM_CHECK_EXTENSION: 0 if the capability is not there, else 1 or a number that the capability
    /// gives.</summary>
    public int CheckExtension(KvmCapability capability) =>
        Control("KVM_CHECK_EXTENSION", KvmRequest.CheckExtension, (nint)capability);

    /// <summary>KVM_GET_SUPPORTED_CPUID: what this KVM can give a guest of this CPU.</summary>
    /// <exception cref="KvmFault">KVM refuses.</exception>
    public CpuidTable GetSupportedCpuid() => GetCpuid("KVM_GET_SUPPORTED_CPUID", KvmRequest.GetSupportedCpuid);

    /// <summary>KVM_GET_EMULATED_CPUID: what it can give although the CPU has it not.</summary>
    /// <exception cref="KvmFault">KVM refuses.</exception>
    public CpuidTable GetEmulatedCpuid() => GetCpuid("KVM_GET_EMULATED_CPUID", KvmRequest.GetEmulatedCpuid);

    public void Dispose() => _device.Dispose();

    /// <summary>A new VM without memory and vCPUs.</summary>
    /// <exception cref="KvmFault">KVM refuses.</exception>
    internal SafeFileHandle CreateVm() =>
        new(Control("KVM_CREATE_VM", KvmRequest.CreateVm, 0), ownsHandle: true);

    /// <summary>Bytes of the memory that a vCPU shares with its process.</summary>
    internal int VcpuMapBytes() => Control("KVM_GET_VCPU_MMAP_SIZE", KvmRequest.GetVcpuMapSize, 0);

    private CpuidTable GetCpuid(string call, uint request)
    {
        byte[] buffer = KvmCpuidBuffer.Empty(CpuidTable.EntriesMax);
        return NativeKvm.Control(_device, request, buffer) < 0
            ? throw new KvmFault(call, NativeKvm.LastErrno)
            : KvmCpuidBuffer.Read(buffer);
    }

    private int Control(string call, uint request, nint argument)
    {
        int result = NativeKvm.Control(_device, request, argument);
        return result >= 0 ? result : throw new KvmFault(call, NativeKvm.LastErrno);
    }
}
