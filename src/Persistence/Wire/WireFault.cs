// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Wire;

/// <summary>Bytes parsed as Protobuf but say nothing this format allows. The codec that called names the
/// place.</summary>
internal sealed class WireFault(string message) : Exception(message)
{
    internal static WireFault Unnamed<TWire>(TWire value)
        where TWire : struct, Enum
        => new(
            $"Expected a named value of {typeof(TWire).Name["Wire".Length..]}, found {Convert.ToInt32(value, null)}.");

    internal static T Present<T>(T? part, string name)
        where T : class
        => part ?? throw new WireFault($"Expected the field {name}, found none.");
}
