// SPDX-License-Identifier: Apache-2.0

using System.Globalization;

namespace KvmActors.Torture;

/// <summary>What the environment asks for.</summary>
/// <param name="Trouble">How long the nemesis is at work.</param>
/// <param name="Seed">Of its schedule and of the clients' choices.</param>
/// <param name="HasTls">Links and clients by certificates; else plain.</param>
internal sealed record TortureOptions(TimeSpan Trouble, int Seed, bool HasTls)
{
    public const string SecondsVariable = "KVMACTORS_TORTURE";
    public const string SeedVariable = "KVMACTORS_SEED";
    public const string StoreVariable = "KVMACTORS_TORTURE_STORE";
    public const string LinksVariable = "KVMACTORS_TORTURE_LINKS";

    /// <summary>Null where no run is asked for.</summary>
    public static TimeSpan? TroubleWanted { get; } = ParseSeconds(Environment.GetEnvironmentVariable(SecondsVariable));

    public static TortureOptions Read() => new(
        TroubleWanted ?? throw new InvalidOperationException($"Expected {SecondsVariable} to be set."),
        int.TryParse(
            Environment.GetEnvironmentVariable(SeedVariable), CultureInfo.InvariantCulture, out int seed)
            ? seed
            : Random.Shared.Next(),
        HasTls: Environment.GetEnvironmentVariable(LinksVariable) != "plain");

    private static TimeSpan? ParseSeconds(string? text) =>
        int.TryParse(text?.TrimEnd('s'), CultureInfo.InvariantCulture, out int seconds) && seconds > 0
            ? TimeSpan.FromSeconds(seconds)
            : null;
}
