// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Benchmarks.Engine.Guests;

/// <summary>How many rounds a program is run for. What is measured is the difference of two runs, so that the boot and
/// all that is done once are not in it.</summary>
/// <param name="Few">The short run.</param>
/// <param name="Some">The long run of an engine that interprets.</param>
/// <param name="Many">The long run of an engine that translates.</param>
internal readonly record struct GuestRounds(uint Few, uint Some, uint Many);
