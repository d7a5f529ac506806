// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Host.Debug;

/// <summary>Registers that belong together, under a name. gdb knows some names and what has to be in them.</summary>
/// <remarks>Source: the manual "Debugging with GDB", appendix "Target Descriptions", section "i386 Features".</remarks>
internal sealed record RegisterFeature(string Name, ImmutableArray<GuestRegister> Registers);
