// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Samples.Guests.Duet;

/// <summary>Where everything of the duet lies: guest physical addresses, identity mapped.</summary>
internal static class DuetLayout
{
    /// <summary>Where a SIPI of vector 9 sends a vCPU.</summary>
    public const uint RealMode = 0x9000;

    public const byte SipiVector = 9;

    /// <summary>The descriptor table's pointer, for both vCPUs: the trampoline reaches 64 KiB only.</summary>
    public const uint TablePointer = RealMode + 0x100;

    public const uint Start = 0x10_0000;
    public const uint Entry = Start + 12;
    public const uint Trampoline = 0x10_1000;
    public const uint DescriptorTable = 0x10_1800;
    public const uint Work = 0x10_2000;
    public const uint Data = 0x10_3000;
    public const uint Shared = Data;
    public const uint LastWriter = Data + 8;
    public const uint Done = Data + 16;
    public const uint Victim = Data + 24;
    public const uint Pml4 = 0x10_4000;
    public const uint PageDirectoryPointers = 0x10_5000;
    public const uint PageDirectory = 0x10_6000;
    public const uint Stacks = 0x10_7000;
    public const int StackShift = 12;
    public const uint End = 0x10_9000;

    public const ushort CodeSelector = 8;
}
