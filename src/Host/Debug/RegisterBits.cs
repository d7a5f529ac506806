// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Host.Debug;

/// <summary>A register whose bits have names, as a type of gdb's target description.</summary>
/// <param name="Id">The type's name. gdb looks for some of them.</param>
internal sealed record RegisterBits(string Id, int SizeBytes, ImmutableArray<(string Name, int First, int Last)> Fields)
{
    /// <summary>Source: Intel SDM vol. 1, figure 3-8 "EFLAGS Register".</summary>
    public static RegisterBits EFlags { get; } = Of(
        "i386_eflags",
        4,
        "CF:0 PF:2 AF:4 ZF:6 SF:7 TF:8 IF:9 DF:10 OF:11 NT:14 RF:16 VM:17 AC:18 VIF:19 VIP:20 ID:21");

    /// <summary>Source: Intel SDM vol. 1, figure 10-3 "MXCSR Control/Status Register".</summary>
    public static RegisterBits Mxcsr { get; } = Of(
        "i386_mxcsr",
        4,
        "IE:0 DE:1 ZE:2 OE:3 UE:4 PE:5 DAZ:6 IM:7 DM:8 ZM:9 OM:10 UM:11 PM:12 FZ:15");

    /// <summary>Source: Intel SDM vol. 3A, figure 2-7 "Control Registers".</summary>
    public static RegisterBits Cr0 { get; } = Of(
        "cr0_flags", 8, "PE:0 MP:1 EM:2 TS:3 ET:4 NE:5 WP:16 AM:18 NW:29 CD:30 PG:31");

    /// <summary>Source: Intel SDM vol. 3A, figure 2-7 "Control Registers".</summary>
    public static RegisterBits Cr4 { get; } = Of(
        "cr4_flags",
        8,
        "VME:0 PVI:1 TSD:2 DE:3 PSE:4 PAE:5 MCE:6 PGE:7 PCE:8 OSFXSR:9 OSXMMEXCPT:10 UMIP:11 LA57:12 VMXE:13 SMXE:14 "
        + "FSGSBASE:16 PCIDE:17 OSXSAVE:18 SMEP:20 SMAP:21 PKE:22");

    /// <summary>Source: Intel SDM vol. 3A, section 2.2.1 "Extended Feature Enable Register".</summary>
    public static RegisterBits Efer { get; } = Of("efer_flags", 8, "SCE:0 LME:8 LMA:10 NXE:11");

    private static RegisterBits Of(string id, int sizeBytes, string fields) =>
        new(id, sizeBytes, [.. fields.Split(' ').Select(Field)]);

    private static (string Name, int First, int Last) Field(string text)
    {
        string[] parts = text.Split(':', '-');
        int first = int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture);
        int last = int.Parse(parts[^1], System.Globalization.CultureInfo.InvariantCulture);
        return (parts[0], first, last);
    }
}
