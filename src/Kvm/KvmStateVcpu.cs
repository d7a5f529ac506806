// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.State;
using KvmActors.Cpu.State.KvmApi;
using Microsoft.Win32.SafeHandles;

namespace KvmActors.Kvm;

/// <summary>A vCPU of the real KVM, with its local APIC in the kernel and without memory, whose state is set and read
/// and which is never run. Not safe for several threads.</summary>
/// <remarks>Source: Linux v6.19 Documentation/virt/kvm/api.rst.</remarks>
public sealed class KvmStateVcpu : IDisposable
{
    private const int MsrHeadBytes = 8;
    private const int MsrEntryBytes = 16;

    private readonly SafeFileHandle _vm;
    private readonly SafeFileHandle _vcpu;

    /// <param name="device">The device.</param>
    /// <param name="cpuid">The vCPU's table: which state is legal follows from it.</param>
    /// <exception cref="KvmFault">KVM refuses.</exception>
    public KvmStateVcpu(KvmDevice device, CpuidTable cpuid)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(cpuid);
        _vm = device.CreateVm();
        _vcpu = new SafeFileHandle();
        try
        {
            _ = Check("KVM_CREATE_IRQCHIP", NativeKvm.Control(_vm, KvmRequest.CreateInterruptChips, 0));
            int vcpu = Check("KVM_CREATE_VCPU", NativeKvm.Control(_vm, KvmRequest.CreateVcpu, 0));
            _vcpu = new SafeFileHandle(vcpu, ownsHandle: true);
            _ = Check("KVM_SET_CPUID2", NativeKvm.Control(_vcpu, KvmRequest.SetCpuid2, KvmCpuidBuffer.Write(cpuid)));
        }
        catch (KvmFault)
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Sets all of a state, in KVM's order.</summary>
    /// <param name="state">As the engine has it.</param>
    /// <param name="vmTime">VM time.</param>
    /// <returns>The MSRs that KVM refused.</returns>
    /// <exception cref="KvmFault">KVM refuses another part.</exception>
    public IReadOnlyList<uint> Set(VcpuState state, ulong vmTime)
    {
        ArgumentNullException.ThrowIfNull(state);
        IReadOnlyList<uint> refused = [];
        foreach ((KvmStructure structure, string _) in KvmStateOrder.Set)
        {
            byte[] bytes = KvmVcpuState.Write(structure, state, vmTime);
            if (structure == KvmStructure.Msrs)
            {
                refused = SetMsrs(bytes);
            }
            else
            {
                _ = Check(
                    $"KVM_SET of {structure}",
                    NativeKvm.Control(_vcpu, KvmStateRequest.Set(structure), bytes));
            }
        }

        return refused;
    }

    /// <summary>Reads all of the state, in KVM's order.</summary>
    /// <param name="msrs">A list of MSRs as KVM_GET_MSRS takes it; those that KVM does not know are left out.</param>
    /// <exception cref="KvmFault">KVM refuses.</exception>
    public IReadOnlyDictionary<KvmStructure, byte[]> Get(byte[] msrs)
    {
        ArgumentNullException.ThrowIfNull(msrs);
        Dictionary<KvmStructure, byte[]> all = [];
        foreach (KvmStructure structure in KvmStateOrder.Get)
        {
            if (structure == KvmStructure.Msrs)
            {
                all[structure] = GetMsrs(msrs);
                continue;
            }

            byte[] bytes = new byte[KvmVcpuState.SizeBytes(structure)];
            _ = Check($"KVM_GET of {structure}", NativeKvm.Control(_vcpu, KvmStateRequest.Get(structure), bytes));
            all[structure] = bytes;
        }

        return all;
    }

    public void Dispose()
    {
        _vcpu.Dispose();
        _vm.Dispose();
    }

    /// <summary>One by one, since KVM stops at the first that it refuses.</summary>
    private List<uint> SetMsrs(byte[] bytes)
    {
        List<uint> refused = [];
        foreach (byte[] one in OneByOne(bytes))
        {
            int done = Check("KVM_SET_MSRS", NativeKvm.Control(_vcpu, KvmStateRequest.Set(KvmStructure.Msrs), one));
            if (done == 0)
            {
                refused.Add(BinaryPrimitives.ReadUInt32LittleEndian(one.AsSpan(MsrHeadBytes)));
            }
        }

        return refused;
    }

    private byte[] GetMsrs(byte[] bytes)
    {
        List<byte> all = [.. new byte[MsrHeadBytes]];
        foreach (byte[] one in OneByOne(bytes))
        {
            if (Check("KVM_GET_MSRS", NativeKvm.Control(_vcpu, KvmStateRequest.Get(KvmStructure.Msrs), one)) == 1)
            {
                all.AddRange(one.AsSpan(MsrHeadBytes));
            }
        }

        byte[] list = [.. all];
        BinaryPrimitives.WriteInt32LittleEndian(list, (list.Length - MsrHeadBytes) / MsrEntryBytes);
        return list;
    }

    private static IEnumerable<byte[]> OneByOne(byte[] list)
    {
        for (int at = MsrHeadBytes; at < list.Length; at += MsrEntryBytes)
        {
            byte[] one = new byte[MsrHeadBytes + MsrEntryBytes];
            BinaryPrimitives.WriteInt32LittleEndian(one, 1);
            list.AsSpan(at, MsrEntryBytes).CopyTo(one.AsSpan(MsrHeadBytes));
            yield return one;
        }
    }

    private static int Check(string call, int result) =>
        result >= 0 ? result : throw new KvmFault(call, NativeKvm.LastErrno);
}
