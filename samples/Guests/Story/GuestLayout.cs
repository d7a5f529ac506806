// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Samples.Guests.Story;

/// <summary>Where everything of the story guest lies. Guest physical addresses; 64-bit code sees them identity mapped,
/// and once more from <see cref="HighHalf"/> on.</summary>
internal static class GuestLayout
{
    public const uint Boot = 0x10_0000;
    public const uint Code = 0x10_1000;
    public const uint CodeEnd = 0x11_0000;
    public const uint Data = 0x11_0000;
    public const uint DataEnd = 0x11_8000;

    public const uint Pml4 = 0x11_8000;
    public const uint PageDirectoryPointers = 0x11_9000;
    public const uint PageDirectory = 0x11_A000;
    public const uint PageTable = 0x11_B000;
    public const uint Idt = 0x11_C000;
    public const uint Stack = 0x11_D000;
    public const uint StackTop = 0x12_1000;
    public const uint Variables = 0x12_1000;
    public const uint Schedule = 0x12_2000;
    public const uint BaseSieve = 0x12_4000;
    public const uint BaseSieveEnd = 0x12_9000;
    public const uint BasePrimes = 0x12_9000;
    public const uint SieveSegment = 0x14_0000;

    /// <summary>A page whose entry is not present until #PF maps it.</summary>
    public const uint MissingPage = 0x1F_E000;

    /// <summary>A page that is read-only until #PF opens it.</summary>
    public const uint ReadOnlyPage = 0x1F_F000;

    /// <summary>Slots that the rounds hash in turn, so that their writes wander through memory.</summary>
    public const uint Buffers = 0x20_0000;
    public const int BufferSlots = 64;
    public const int BufferSlotBytes = 64 * 1024;
    public const uint MemoryEnd = Buffers + (BufferSlots * BufferSlotBytes);

    /// <summary>Where PML4 entry 256 maps the same memory again.</summary>
    public const ulong HighHalf = 0xFFFF_8000_0000_0000;

    public const ushort CodeSelector = 0x08;
    public const ushort DataSelector = 0x10;
}
