// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.State;

/// <summary>The bits of CR0, CR4 and EFER that the engine looks at.</summary>
/// <remarks>Source: Intel SDM vol. 3A, section 2.5 "Control Registers" and section 2.2.1 "Extended Feature Enable
/// Register".</remarks>
internal static class ControlBits
{
    public const ulong Cr0ProtectionEnable = 1ul << 0;
    public const ulong Cr0MonitorCoprocessor = 1ul << 1;
    public const ulong Cr0Emulation = 1ul << 2;
    public const ulong Cr0TaskSwitched = 1ul << 3;
    public const ulong Cr0ExtensionType = 1ul << 4;
    public const ulong Cr0NumericError = 1ul << 5;
    public const ulong Cr0WriteProtect = 1ul << 16;
    public const ulong Cr0AlignmentMask = 1ul << 18;
    public const ulong Cr0NotWriteThrough = 1ul << 29;
    public const ulong Cr0CacheDisable = 1ul << 30;
    public const ulong Cr0Paging = 1ul << 31;
    public const ulong Cr0Defined = Cr0ProtectionEnable | Cr0MonitorCoprocessor | Cr0Emulation | Cr0TaskSwitched
        | Cr0ExtensionType | Cr0NumericError | Cr0WriteProtect | Cr0AlignmentMask | Cr0NotWriteThrough
        | Cr0CacheDisable | Cr0Paging;

    /// <summary>The process-context identifier, while CR4.PCIDE is set.</summary>
    public const ulong Cr3ProcessContext = 0xFFF;

    /// <summary>Not a bit of CR3, but of what MOV to CR3 is given: keep translations of that context.</summary>
    public const ulong Cr3KeepTranslations = 1ul << 63;

    public const ulong Cr4Virtual8086Extensions = 1ul << 0;
    public const ulong Cr4ProtectedVirtualInterrupts = 1ul << 1;
    public const ulong Cr4TimeStampDisable = 1ul << 2;
    public const ulong Cr4DebuggingExtensions = 1ul << 3;
    public const ulong Cr4PageSizeExtensions = 1ul << 4;
    public const ulong Cr4PhysicalAddressExtension = 1ul << 5;
    public const ulong Cr4MachineCheck = 1ul << 6;
    public const ulong Cr4PageGlobal = 1ul << 7;
    public const ulong Cr4PerformanceCounter = 1ul << 8;
    public const ulong Cr4FxSave = 1ul << 9;
    public const ulong Cr4SimdExceptions = 1ul << 10;
    public const ulong Cr4UserInstructionPrevention = 1ul << 11;
    public const ulong Cr4FsGsBase = 1ul << 16;
    public const ulong Cr4ProcessContext = 1ul << 17;
    public const ulong Cr4XSave = 1ul << 18;
    public const ulong Cr4SupervisorExecutionPrevention = 1ul << 20;
    public const ulong Cr4SupervisorAccessPrevention = 1ul << 21;

    public const ulong EferSystemCall = 1ul << 0;
    public const ulong EferLongModeEnable = 1ul << 8;
    public const ulong EferLongModeActive = 1ul << 10;
    public const ulong EferNoExecute = 1ul << 11;
}
