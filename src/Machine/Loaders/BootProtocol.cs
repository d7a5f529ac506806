// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Loaders;

/// <summary>In which state a guest's first instruction runs.</summary>
public enum BootProtocol
{
    /// <summary>Multiboot 1: 32-bit protected mode with flat segments, paging off, EAX = 0x2BADB002, EBX = information
    /// structure. Source: Multiboot Specification 0.6.96, section 3.2 "Machine state".</summary>
    Multiboot = 1,

    /// <summary>A flat binary such as a boot sector: real mode at 0000:7C00, no firmware behind it.</summary>
    Flat = 2,

    /// <summary>Linux's 64-bit boot protocol: long mode with identity-mapped pages, RSI = boot parameters. Source:
    /// Linux Documentation/arch/x86/boot.rst.</summary>
    Linux = 3,

    /// <summary>Xen's PVH protocol: 32-bit protected mode with flat segments, paging off, EBX = start information, at
    /// the entry that the ELF's note 18 names. Source: Xen docs/misc/pvh.pandoc.</summary>
    Pvh = 4,
}
