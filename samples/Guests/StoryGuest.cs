// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Hypercalls;
using KvmActors.Samples.Guests.Story;

namespace KvmActors.Samples.Guests;

/// <summary>The guest of the demo: a multiboot-1 ELF32 that enters long mode by itself, reads CPUID, proves that
/// exceptions arrive, makes hypercalls at seven sites, hashes and sieves in rounds, reports on COM1 and ends through
/// port 0xF4 with value 0, or 1 if anything was not as expected. If its size says so, it waits at a gate on the way: a
/// line says that it waits, an eighth site makes hypercalls meanwhile, and a byte on COM1 lets it go on.</summary>
/// <remarks>It is made by Iced's assembler when asked for, so nothing of what it prints is stored anywhere: its SHA-256
/// and its number of primes are computed by the guest's own instructions.</remarks>
public static class StoryGuest
{
    /// <summary>First number of the generator that fills the hashed buffer: x ← x·6364136223846793005 +
    /// 1442695040888963407, each x stored as 8 little-endian bytes.</summary>
    public const ulong GeneratorSeed = 0x0123_4567_89AB_CDEF;

    public const ulong GeneratorFactor = 6364136223846793005;

    public const ulong GeneratorSummand = 1442695040888963407;

    /// <summary>The line on the console with which a guest comes to its gate.</summary>
    public const string GateLine = "story: waits for a key";

    /// <summary>Guest memory that every size fits in.</summary>
    public const ulong MemoryBytesMin = GuestLayout.MemoryEnd;

    /// <param name="builtFor">Whose hypercall instruction the guest is built with.</param>
    /// <returns>The bytes of the ELF file; the same for the same arguments.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The size is beyond its bounds.</exception>
    public static byte[] Build(HostVendor builtFor, StoryGuestSize size)
    {
        ArgumentNullException.ThrowIfNull(size);
        size.Check();

        GuestProgram program = new(builtFor, size);
        byte[] code = StoryMain.Assemble(program);
        byte[] boot = BootStage.Assemble(program.Data);
        return MultibootElf.Link(boot, code, program.Data.ToArray());
    }
}
