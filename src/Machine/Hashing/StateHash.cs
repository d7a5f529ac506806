// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Hashing;

/// <summary>SHA-256 over the canonical encoding of vCPUs and devices, as 64 hexadecimal digits.</summary>
/// <remarks>It finds divergence; it is no security hash.</remarks>
public readonly record struct StateHash(string Hex)
{
    public override string ToString() => Hex;
}
