// SPDX-License-Identifier: Apache-2.0

using KvmActors.Persistence.Tests.Postgres;
using KvmActors.Torture.Cluster;

namespace KvmActors.Torture;

/// <summary>A fact that hurts real processes and their network: only where it is asked for, by root, with the programs
/// that it takes. Else it is skipped, with that reason.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class TortureFactAttribute : FactAttribute
{
    /// <param name="store">sqlite or postgres.</param>
    public TortureFactAttribute(string store) => Skip = ReasonNot(store);

    private static string? ReasonNot(string store)
    {
        if (TortureOptions.TroubleWanted is not { } trouble)
        {
            return "It changes this machine's network for a while, so it has to be asked for: set "
                + $"{TortureOptions.SecondsVariable}=30s (seconds of trouble), as root.";
        }

        return Environment.GetEnvironmentVariable(TortureOptions.StoreVariable) is { Length: > 0 } wanted
            && wanted != store ? $"{TortureOptions.StoreVariable} asks for {wanted} alone."
            : NodeNetwork.Missing is { } missing ? missing
            : store == "postgres" && PostgresPrograms.Missing is { } noServer ? noServer
            : trouble < TimeSpan.FromSeconds(5) ? $"Expected 5 seconds of trouble or more, found {trouble}."
            : null;
    }
}
