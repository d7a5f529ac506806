// SPDX-License-Identifier: Apache-2.0

using System.Buffers.Binary;
using System.Text;

namespace KvmActors.Cpu.Cpuid;

/// <summary>The maker's name that leaf 0 spells in EBX, EDX, ECX.</summary>
/// <remarks>Source: Intel SDM vol. 2A, "CPUID", leaf 0; AMD APM vol. 3, E.3.1; Linux v6.19
/// arch/x86/kvm/cpuid.c:is_guest_vendor_amd, is_guest_vendor_hygon.</remarks>
public static class CpuidVendor
{
    public const string Intel = "GenuineIntel";
    public const string Amd = "AuthenticAMD";
    public const string Hygon = "HygonGenuine";

    // Early AMD K5 engineering samples; KVM counts it as AMD.
    private const string AmdSample = "AMDisbetter!";

    public static string Text(CpuidRegisters leaf0)
    {
        Span<byte> bytes = stackalloc byte[12];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, leaf0.Ebx);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[4..], leaf0.Edx);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], leaf0.Ecx);
        return Encoding.Latin1.GetString(bytes);
    }

    /// <summary>True for the makers that follow AMD's manuals.</summary>
    public static bool IsAmdLike(string vendor) => vendor is Amd or Hygon or AmdSample;

    internal static bool AnswersOutOfRangeWithZeros(string vendor) => IsAmdLike(vendor);
}
