// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Cpuid.Formats;

/// <summary>One leaf and subleaf of a Firecracker template.</summary>
/// <param name="Said">A 1 for each bit that the template says.</param>
/// <param name="Value">What it says there; 0 elsewhere.</param>
internal sealed record CpuidTemplateEntry(
    uint Leaf, uint Subleaf, CpuidEntryFlags Flags, CpuidRegisters Said, CpuidRegisters Value)
{
    public bool SaysEveryBit =>
        Said == new CpuidRegisters(uint.MaxValue, uint.MaxValue, uint.MaxValue, uint.MaxValue);

    public CpuidEntry ToEntry() =>
        new(Leaf, Subleaf, Flags, Value.Eax, Value.Ebx, Value.Ecx, Value.Edx);

    public CpuidEntry ApplyTo(CpuidEntry entry) => entry with
    {
        Flags = Flags,
        Eax = (entry.Eax & ~Said.Eax) | Value.Eax,
        Ebx = (entry.Ebx & ~Said.Ebx) | Value.Ebx,
        Ecx = (entry.Ecx & ~Said.Ecx) | Value.Ecx,
        Edx = (entry.Edx & ~Said.Edx) | Value.Edx,
    };
}
