// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Migration;

namespace KvmActors.Host.Configuration;

/// <summary>Keys below <c>kvmactors.migration</c>; <c>hocon/reference.conf</c> tells what each means.</summary>
internal sealed record MigrationOptions(TimeSpan TimeBudget, MigrationLimits Limits);
