// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.State;

/// <summary>CPUID features of the guest that change what the engine does.</summary>
[Flags]
internal enum GuestFeature : uint
{
    None = 0,
    LongMode = 1 << 0,
    NoExecute = 1 << 1,
    Pages1G = 1 << 2,
    FsGsBase = 1 << 3,
    Smep = 1 << 4,
    Smap = 1 << 5,
    Umip = 1 << 6,
    Rdtscp = 1 << 7,
    Rdpid = 1 << 8,
    Movbe = 1 << 9,
    Popcnt = 1 << 10,
    Lzcnt = 1 << 11,
    Bmi1 = 1 << 12,
    Bmi2 = 1 << 13,
    Adx = 1 << 14,
    SystemCall = 1 << 15,
    Sysenter = 1 << 16,
    Cx8 = 1 << 17,
    Cx16 = 1 << 18,
    IsAmd = 1 << 19,
}
