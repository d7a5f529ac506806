// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Cpu.Cpuid.Names;

/// <summary>One entry of a table in words.</summary>
/// <param name="Title">Null if the leaf has no name.</param>
/// <param name="IsFound">False if an earlier entry of the same leaf and subleaf hides it from the guest.</param>
/// <param name="Registers">EAX, EBX, ECX, EDX.</param>
public sealed record CpuidDecodedLeaf(
    uint Leaf, uint Subleaf, string? Title, bool IsFound, ImmutableArray<CpuidDecodedRegister> Registers)
{
    public bool IsZero => Registers.All(register => register.Value == 0);
}

/// <summary>One register in words. Fields, features and <paramref name="Unknown"/> account for every bit of
/// it.</summary>
/// <param name="Fields">All fields that the register has, also those that are 0, from the lowest bit up.</param>
/// <param name="Features">The features that are set, from the lowest bit up.</param>
/// <param name="Unknown">The bits that are set and have no name.</param>
public sealed record CpuidDecodedRegister(
    CpuidRegister Register,
    uint Value,
    ImmutableArray<CpuidDecodedField> Fields,
    ImmutableArray<CpuidFeatureName> Features,
    uint Unknown);

/// <summary>A field with its bits as they are stored.</summary>
/// <param name="Text">What they mean, as a person reads it.</param>
public sealed record CpuidDecodedField(CpuidField Field, uint Raw, string Text);
