// SPDX-License-Identifier: Apache-2.0

using KvmActors.Machine.Devices;
using KvmActors.Machine.Hashing;
using Xunit;

namespace KvmActors.Machine.Tests.Hashing;

public sealed class PlatformHasherTests
{
    [Fact]
    public void A_change_of_any_field_changes_what_is_hashed()
    {
        Dictionary<string, string> pathOfBytes = new()
        {
            [Written(SamplePlatform.State)] = "the sample itself",
        };

        foreach ((string path, object? changed) in Mutations.Of(SamplePlatform.State, nameof(PlatformState)))
        {
            string bytes = Written((PlatformState)changed!);
            Assert.True(
                pathOfBytes.TryAdd(bytes, path),
                $"{path} and {pathOfBytes.GetValueOrDefault(bytes)} are written alike: PlatformHasher forgets a "
                + "field.");
        }

        Assert.True(pathOfBytes.Count > 250, $"Only {pathOfBytes.Count} changes were tried.");
    }

    private static string Written(PlatformState state)
    {
        CanonicalWriter writer = new();
        PlatformHasher.Write(writer, state);
        return Convert.ToHexString(writer.Written);
    }
}
