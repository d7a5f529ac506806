// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Samples.Guests.Story;

/// <summary>The story guest's variables in memory: eight bytes each, zero at the start.</summary>
internal static class GuestVariables
{
    public const uint MultibootInformation = GuestLayout.Variables + 0x00;
    public const uint Hypercalls = GuestLayout.Variables + 0x08;

    /// <summary>Everything that was not as expected; the guest's exit value is 1 if there is any.</summary>
    public const uint Failures = GuestLayout.Variables + 0x10;
    public const uint Primes = GuestLayout.Variables + 0x18;
    public const uint Generator = GuestLayout.Variables + 0x20;
    public const uint SegmentStart = GuestLayout.Variables + 0x28;
    public const uint CpuidSum = GuestLayout.Variables + 0x30;
    public const uint LastTsc = GuestLayout.Variables + 0x38;
    public const uint BasePrimeCount = GuestLayout.Variables + 0x40;

    public const uint ExceptionExpected = GuestLayout.Variables + 0x80;
    public const uint ExceptionResume = GuestLayout.Variables + 0x88;
    public const uint ExceptionVector = GuestLayout.Variables + 0x90;
    public const uint ExceptionError = GuestLayout.Variables + 0x98;
    public const uint ExceptionRip = GuestLayout.Variables + 0xA0;
    public const uint ExceptionCr2 = GuestLayout.Variables + 0xA8;
    public const uint ExceptionCount = GuestLayout.Variables + 0xB0;

    /// <summary>Eight 4-byte words of SHA-256 state.</summary>
    public const uint Digest = GuestLayout.Variables + 0x100;

    /// <summary>The last, padded block.</summary>
    public const uint FinalBlock = GuestLayout.Variables + 0x140;

    /// <summary>Text of the brand string and vendor, with the NUL behind it.</summary>
    public const uint Text = GuestLayout.Variables + 0x200;
}
