// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu;
using KvmActors.Machine.Hashing;
using Xunit;

namespace KvmActors.Machine.Tests.Hashing;

public sealed class StateHasherTests
{
    [Fact]
    public void A_change_of_any_field_changes_the_hash()
    {
        Dictionary<string, string> pathOfHash = new()
        {
            [StateHasher.Hash(SampleState.Machine).Hex] = "the sample itself",
        };

        foreach ((string path, object? changed) in Mutations.Of(SampleState.Machine, nameof(MachineState)))
        {
            string hash = StateHasher.Hash((MachineState)changed!).Hex;
            Assert.True(
                pathOfHash.TryAdd(hash, path),
                $"{path} and {pathOfHash.GetValueOrDefault(hash)} have one hash: StateHasher forgets a field. "
                + "Write it there and raise EncodingVersion.");
        }

        Assert.True(pathOfHash.Count > 700, $"Only {pathOfHash.Count} changes were tried.");
    }

    [Fact]
    public void Each_way_to_end_has_a_hash_of_its_own()
    {
        MachineEnd?[] ends =
        [
            null,
            new MachineEnd.PoweredOff(),
            new MachineEnd.Reset(),
            new MachineEnd.DebugExit(0),
            new MachineEnd.DebugExit(1),
            new MachineEnd.TripleFault(0, ""),
            new MachineEnd.EmulationFailure(0, new Gva(0), [], ""),
        ];
        Type[] cases = [.. typeof(MachineEnd).GetNestedTypes().Where(type => type.IsSubclassOf(typeof(MachineEnd)))];
        Assert.Equal(
            cases.Order(Comparer<Type>.Create((a, b) => string.CompareOrdinal(a.Name, b.Name))),
            ends.OfType<MachineEnd>().Select(end => end.GetType()).Distinct()
                .Order(Comparer<Type>.Create((a, b) => string.CompareOrdinal(a.Name, b.Name))));

        Assert.Equal(
            ends.Length,
            ends.Select(end => StateHasher.Hash(SampleState.Machine with { End = end })).Distinct().Count());
    }

    [Fact]
    public void Version_4_of_the_encoding_never_changes()
    {
        // Journals hold such hashes. If this fails the encoding has changed: raise EncodingVersion, then this line.
        const string Pinned = "16fd4c15683047c3d56f0fa1dec01c0884318cda079f8a793254bc1c031ea2e7";
        string hash = StateHasher.Hash(SampleState.Machine).Hex;
        Assert.True(hash == Pinned, $"The encoding has changed: {hash}.");
    }
}
