// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Apic;

/// <summary>Registers of a local APIC by their offset in its page, in bytes. The MSR of x2APIC mode is 800H plus the
/// offset divided by 16.</summary>
/// <remarks>Source: Intel SDM vol. 3A, table 12-1 "Local APIC Register Address Map", table 12-6.</remarks>
internal enum ApicRegister
{
    Id = 0x20,
    Version = 0x30,
    TaskPriority = 0x80,
    ArbitrationPriority = 0x90,
    ProcessorPriority = 0xA0,
    EndOfInterrupt = 0xB0,
    RemoteRead = 0xC0,
    LogicalDestination = 0xD0,
    DestinationFormat = 0xE0,
    SpuriousVector = 0xF0,
    InService = 0x100,
    TriggerMode = 0x180,
    Request = 0x200,
    ErrorStatus = 0x280,
    InterruptCommandLow = 0x300,
    InterruptCommandHigh = 0x310,
    LvtTimer = 0x320,
    LvtThermal = 0x330,
    LvtPerformance = 0x340,
    LvtLint0 = 0x350,
    LvtLint1 = 0x360,
    LvtError = 0x370,
    InitialCount = 0x380,
    CurrentCount = 0x390,
    DivideConfiguration = 0x3E0,
    SelfIpi = 0x3F0,
}
