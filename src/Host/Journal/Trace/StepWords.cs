// SPDX-License-Identifier: Apache-2.0

using KvmActors.Machine;

namespace KvmActors.Host.Journal.Trace;

/// <summary>Steps that are no instruction, in words.</summary>
internal static class StepWords
{
    public static string Of(SteppedVcpu stepped) => stepped switch
    {
        { Delivery: { } delivery } => $"-> {delivery}",
        { Patches: [var patch, ..] } =>
            $"-> hypercall site rewritten to {Convert.ToHexStringLower(patch.After.AsSpan())}",
        _ => "-> woken, started or reset",
    };
}
