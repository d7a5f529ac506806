// SPDX-License-Identifier: Apache-2.0

using KvmActors.Architecture.Tests.Rules;
using Xunit;

namespace KvmActors.Architecture.Tests;

/// <summary>A run of the processor, the machine and the actors is a function of what they are given.</summary>
public sealed class PurityTests
{
    [Fact]
    public void Cpu_Machine_and_Actors_take_clock_chance_threads_and_disk_from_outside() =>
        Finding.AssertNone(Repository.CSharp.SelectMany(PurityRule.Check));
}
