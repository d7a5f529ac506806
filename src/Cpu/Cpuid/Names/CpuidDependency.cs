// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Cpu.Cpuid.Names;

/// <summary>A feature that takes another for granted.</summary>
/// <param name="AnyOf">One of these is enough.</param>
/// <param name="IsNeeded">True: wrong without. False: works without, but software does not expect that.</param>
public sealed record CpuidDependency(CpuidFeature Feature, ImmutableArray<CpuidFeature> AnyOf, bool IsNeeded);
