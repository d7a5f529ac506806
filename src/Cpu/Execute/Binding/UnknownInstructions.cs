// SPDX-License-Identifier: Apache-2.0

using System.Collections.Frozen;
using KvmActors.Cpu.Cpuid.Names;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Operations;
using KvmActors.Cpu.State;
using IcedFeature = Iced.Intel.CpuidFeature;

namespace KvmActors.Cpu.Execute.Binding;

// JUSTIFICATION: see Uop.
// SAFETY: gives pointers to static methods only.

/// <summary>What an instruction does that the decoder knows and the engine does not execute.</summary>
/// <remarks>x87 is part of every processor with long mode, so a guest that meets it has met a gap of this engine, and
/// the VM says so; the control registers still decide first. Everything else is an extension: #UD if the guest's CPUID
/// table does not offer it, and with a table that was not vetted a gap like the others.</remarks>
internal static unsafe class UnknownInstructions
{
    private static readonly FrozenSet<IcedFeature> s_baseline = new[]
    {
        IcedFeature.INTEL8086, IcedFeature.INTEL8086_ONLY, IcedFeature.INTEL186, IcedFeature.INTEL286,
        IcedFeature.INTEL386, IcedFeature.INTEL486, IcedFeature.X64,
    }.ToFrozenSet();

    public static delegate* managed<CpuState*, Uop*, Outcome> Find(ref BindingContext context)
    {
        context.Uop->Immediate = (ulong)context.Instruction.Mnemonic;
        foreach (IcedFeature feature in context.Instruction.CpuidFeatures)
        {
            switch (feature)
            {
                case IcedFeature.FPU or IcedFeature.FPU287 or IcedFeature.FPU387:
                    return &UndefinedOperations.UnknownFloatingPoint;
            }

            if (s_baseline.Contains(feature) || IsOffered(context, feature))
            {
                return &UndefinedOperations.Unknown;
            }
        }

        return &UndefinedOperations.Undefined;
    }

    private static bool IsOffered(in BindingContext context, IcedFeature feature) =>
        CpuidFeatures.TryNamed(feature.ToString().ToLowerInvariant(), out CpuidFeature bit) && context.Cpuid.Has(bit);
}
