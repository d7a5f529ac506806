// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Control;

namespace KvmActors.Host.Debug;

/// <summary>What <c>debug gdb</c> was asked for.</summary>
/// <param name="At">As in <see cref="MomentText"/>.</param>
/// <param name="Connect">Finds the VM's cluster; null: only the past is looked at.</param>
/// <param name="Port">0: one that is free.</param>
internal sealed record DebugOptions(
    string Vm, string Store, Func<ControlClient>? Connect, string At, int Port, RegisterLayout Layout, bool IsJson);
