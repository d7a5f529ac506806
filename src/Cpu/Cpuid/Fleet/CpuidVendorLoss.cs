// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Cpu.Cpuid.Fleet;

/// <summary>What the hosts of one vendor give up in a pool of several.</summary>
/// <param name="Vendor">As in leaf 0.</param>
/// <param name="Hosts">How many hosts are of this vendor.</param>
/// <param name="GivenUp">What the hosts of this vendor offer together and the whole pool does not.</param>
public sealed record CpuidVendorLoss(string Vendor, int Hosts, ImmutableArray<CpuidDifference> GivenUp);
