// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid;

/// <summary>The bits of a table that the vCPU's state owns: a table may say anything there, the guest reads the
/// state.</summary>
/// <remarks>Source: Linux v6.19 arch/x86/kvm/cpuid.c:kvm_update_cpuid_runtime, xstate_required_size. MWAIT stays as
/// in the table, as KVM has it with KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT, its default.</remarks>
internal static class CpuidRuntimeBits
{
    private const int Cr4OsXsave = 18;
    private const int Cr4Pke = 22;
    private const int ApicBaseEnable = 11;
    private const int MiscEnableMonitor = 18;

    // CPUID.(EAX=0DH,ECX=1):EAX[1] XSAVEC and [3] XSAVES: the compacted format exists.
    private const uint CompactedFormat = (1 << 1) | (1 << 3);

    // The legacy FXSAVE area (512 bytes) and the XSAVE header (64 bytes) are always there.
    private const uint XsaveBaseBytes = 576;

    internal static bool AreIn(uint leaf) => leaf is 1 or 7 or 0xD;

    internal static CpuidRegisters Apply(CpuidTable table, in CpuidEntry entry, in CpuidRuntime runtime)
    {
        CpuidRegisters registers = entry.Registers;
        return (entry.Leaf, entry.Subleaf) switch
        {
            (1, _) => registers with
            {
                // CPUID.01H:ECX[27] OSXSAVE and CPUID.01H:EDX[9] APIC.
                Ecx = With(Mwait(registers.Ecx, runtime), 27, runtime.Cr4, Cr4OsXsave),
                Edx = With(registers.Edx, 9, runtime.ApicBase, ApicBaseEnable),
            },
            // CPUID.(EAX=07H,ECX=0):ECX[4] OSPKE.
            (7, 0) => registers with { Ecx = With(registers.Ecx, 4, runtime.Cr4, Cr4Pke) },
            (0xD, 0) => registers with { Ebx = XsaveBytes(table, runtime.Xcr0, compacted: false) },
            (0xD, 1) when (registers.Eax & CompactedFormat) != 0 =>
                registers with { Ebx = XsaveBytes(table, runtime.Xcr0 | runtime.Xss, compacted: true) },
            _ => registers,
        };
    }

    private static uint Mwait(uint register, in CpuidRuntime runtime) =>
        runtime.MwaitFollowsMiscEnable ? With(register, 3, runtime.MiscEnable, MiscEnableMonitor) : register;

    private static uint With(uint register, int bit, ulong state, int stateBit) =>
        (register & ~(1u << bit)) | ((uint)((state >> stateBit) & 1) << bit);

    /// <summary>Size of the XSAVE area for these components, from the table's own leaf 0DH subleaves 2 and
    /// up.</summary>
    private static uint XsaveBytes(CpuidTable table, ulong components, bool compacted)
    {
        uint size = XsaveBaseBytes;
        for (uint component = 2; component < 63; component++)
        {
            if ((components >> (int)component & 1) == 0 || table.Find(0xD, component) is not { } layout)
            {
                continue;
            }

            // ECX[1]: the component starts at a 64-byte boundary of the compacted format.
            uint aligned = (layout.Ecx & 2) != 0 ? (size + 63) & ~63u : size;
            size = Math.Max(size, unchecked((compacted ? aligned : layout.Ebx) + layout.Eax));
        }

        return size;
    }
}
