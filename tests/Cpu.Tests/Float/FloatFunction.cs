// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Float;

namespace KvmActors.Cpu.Tests.Float;

/// <summary>Computes one element from two.</summary>
internal delegate ulong FloatFunction(ulong a, ulong b, ref FloatContext context);
