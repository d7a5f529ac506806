// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.Models;

/// <summary>A CPU of the library.</summary>
/// <param name="Name">Lower case with hyphens, for instance <c>amd-milan</c>.</param>
/// <param name="Description">What it is, in a sentence.</param>
/// <param name="Vendor">The twelve characters of leaf 0.</param>
/// <param name="Source">Where the values are from.</param>
/// <param name="Date">Of the source, as it says: a year, a month or a day.</param>
public sealed record CpuidModel(
    string Name, string Description, string Vendor, string Source, string Date, CpuidTable Table);
