// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Debug;

/// <summary>What <c>debug gdb</c> was asked for.</summary>
/// <param name="At">As in <see cref="MomentText"/>.</param>
/// <param name="Node">A node of the VM's cluster; null: only the past is looked at.</param>
/// <param name="Port">0: one that is free.</param>
internal sealed record DebugOptions(
    string Vm, string Store, string? Node, string At, int Port, RegisterLayout Layout, bool IsJson);
