// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Runtime.InteropServices;
using KvmActors.Cpu.Cpuid;
using Microsoft.Win32.SafeHandles;

namespace KvmActors.Kvm;

/// <summary>A VM of the real KVM with one vCPU and 64 KiB, which answers what a guest's CPUID instruction says: an
/// oracle. Not safe for several threads.</summary>
/// <remarks>Source: Linux v6.19 Documentation/virt/kvm/api.rst; structures: include/uapi/linux/kvm.h and
/// arch/x86/include/uapi/asm/kvm.h.</remarks>
public sealed class KvmGuest : IDisposable
{
    /// <summary>Anywhere below 4 GiB that is not the guest's memory.</summary>
    private const uint TssAddress = 0xFFFB_D000;

    private const int RegisterBytes = 144;
    private const int RegisterRsi = 4 * 8;
    private const int RegisterRdi = 5 * 8;
    private const int RegisterRbp = 7 * 8;
    private const int RegisterRip = 16 * 8;
    private const int RegisterRflags = 17 * 8;
    private const ulong RflagsReset = 2;

    private const int SystemRegisterBytes = 312;
    private const int SegmentSelector = 12;

    // struct kvm_run.
    private const int RunImmediateExit = 1;
    private const int RunExitReason = 8;
    private const uint ExitHalted = 5;

    private readonly SafeFileHandle _vm;
    private readonly SafeFileHandle _vcpu;
    private readonly int _runBytes;
    private nint _memory;
    private nint _run;

    /// <exception cref="KvmFault">KVM refuses to make the VM.</exception>
    public KvmGuest(KvmDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        _vm = device.CreateVm();
        _vcpu = new SafeFileHandle();
        try
        {
            // Real mode needs it on Intel CPUs that cannot run it as it is.
            Check("KVM_SET_TSS_ADDR", NativeKvm.Control(_vm, KvmRequest.SetTssAddress, unchecked((nint)TssAddress)));
            _memory = NativeKvm.TryMap(KvmCpuidProgram.MemoryBytes, NativeKvm.MapPrivateAnonymous, null)
                ?? throw new KvmFault("mmap of the guest's memory", NativeKvm.LastErrno);
            Check("KVM_SET_USER_MEMORY_REGION", NativeKvm.Control(
                _vm, KvmRequest.SetUserMemoryRegion, MemoryRegion(_memory)));
            int vcpu = Check("KVM_CREATE_VCPU", NativeKvm.Control(_vm, KvmRequest.CreateVcpu, 0));
            _vcpu = new SafeFileHandle(vcpu, ownsHandle: true);
            _runBytes = device.VcpuMapBytes();
            _run = NativeKvm.TryMap(_runBytes, NativeKvm.MapShared, _vcpu)
                ?? throw new KvmFault("mmap of the vCPU", NativeKvm.LastErrno);
        }
        catch (KvmFault)
        {
            Dispose();
            throw;
        }
    }

    /// <summary>KVM_SET_CPUID2.</summary>
    /// <exception cref="KvmFault">KVM refuses: EINVAL, EPERM, E2BIG; the old table stays.</exception>
    public void SetCpuid(CpuidTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        Check("KVM_SET_CPUID2", NativeKvm.Control(_vcpu, KvmRequest.SetCpuid2, KvmCpuidBuffer.Write(table)));
    }

    /// <summary>KVM_GET_CPUID2: the vCPU's table, runtime-owned bits included.</summary>
    /// <exception cref="KvmFault">KVM refuses.</exception>
    public CpuidTable GetCpuid()
    {
        byte[] buffer = KvmCpuidBuffer.Empty(CpuidTable.EntriesMax);
        Check("KVM_GET_CPUID2", NativeKvm.Control(_vcpu, KvmRequest.GetCpuid2, buffer));
        return KvmCpuidBuffer.Read(buffer);
    }

    /// <summary>What CPUID says in the guest, in real mode at reset.</summary>
    /// <param name="questions">At most 512.</param>
    /// <param name="limit">How long the guest may take; then its run is broken off.</param>
    /// <exception cref="KvmFault">KVM refuses, the guest does not halt, or it takes longer.</exception>
    public IReadOnlyList<CpuidRegisters> Execute(
        IReadOnlyList<(uint Leaf, uint Subleaf)> questions, TimeSpan limit)
    {
        ArgumentNullException.ThrowIfNull(questions);
        byte[] memory = KvmCpuidProgram.Memory(questions);
        Run(memory, questions.Count, limit);
        return KvmCpuidProgram.Answers(memory, questions.Count);
    }

    /// <summary>Runs what is in this memory until it halts, and reads the memory back.</summary>
    /// <exception cref="KvmFault">KVM refuses, the guest does not halt, or it takes longer.</exception>
    internal void Run(byte[] memory, int questions, TimeSpan limit)
    {
        Marshal.Copy(memory, 0, _memory, memory.Length);
        SetRegisters(questions);
        RunToHalt(limit);
        Marshal.Copy(_memory, memory, 0, memory.Length);
    }

    public void Dispose()
    {
        if (_run != 0)
        {
            NativeKvm.Unmap(_run, _runBytes);
            _run = 0;
        }

        _vcpu.Dispose();
        _vm.Dispose();
        if (_memory != 0)
        {
            NativeKvm.Unmap(_memory, KvmCpuidProgram.MemoryBytes);
            _memory = 0;
        }
    }

    private void SetRegisters(int questions)
    {
        byte[] system = new byte[SystemRegisterBytes];
        Check("KVM_GET_SREGS", NativeKvm.Control(_vcpu, KvmRequest.GetSystemRegisters, system));

        // CS is the first segment: base 0 and selector 0, instead of the reset vector's.
        system.AsSpan(0, sizeof(ulong)).Clear();
        system.AsSpan(SegmentSelector, sizeof(ushort)).Clear();
        Check("KVM_SET_SREGS", NativeKvm.Control(_vcpu, KvmRequest.SetSystemRegisters, system));

        byte[] registers = new byte[RegisterBytes];
        void Set(int at, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(registers.AsSpan(at), value);
        Set(RegisterRsi, KvmCpuidProgram.QuestionsAddress);
        Set(RegisterRdi, KvmCpuidProgram.AnswersAddress);
        Set(RegisterRbp, (ulong)questions);
        Set(RegisterRip, KvmCpuidProgram.CodeAddress);
        Set(RegisterRflags, RflagsReset);
        Check("KVM_SET_REGS", NativeKvm.Control(_vcpu, KvmRequest.SetRegisters, registers));
    }

    private void RunToHalt(TimeSpan limit)
    {
        int error = KvmRunThread.Run(_vcpu, limit, () => Marshal.WriteByte(_run, RunImmediateExit, 1));
        Marshal.WriteByte(_run, RunImmediateExit, 0);
        uint reason = (uint)Marshal.ReadInt32(_run, RunExitReason);
        if (error == KvmRunThread.Interrupted)
        {
            throw new KvmFault(
                $"Expected the guest to halt within {limit.TotalSeconds} s, found it running. Its run was broken off.");
        }

        if (error != 0 || reason != ExitHalted)
        {
            throw error != 0
                ? new KvmFault("KVM_RUN", error)
                : new KvmFault($"Expected the guest to halt (exit {ExitHalted}), found exit {reason}.");
        }
    }

    /// <summary>struct kvm_userspace_memory_region: slot, flags, guest address, size, own address.</summary>
    private static byte[] MemoryRegion(nint memory)
    {
        byte[] region = new byte[32];
        BinaryPrimitives.WriteUInt64LittleEndian(region.AsSpan(16), KvmCpuidProgram.MemoryBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(region.AsSpan(24), (ulong)memory);
        return region;
    }

    private static int Check(string call, int result) =>
        result >= 0 ? result : throw new KvmFault(call, NativeKvm.LastErrno);
}
