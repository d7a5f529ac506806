// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu;

namespace KvmActors.Host.Debug;

internal readonly record struct DebugWatchpoint(Gva Start, int SizeBytes, DebugWatchKind Kind);
