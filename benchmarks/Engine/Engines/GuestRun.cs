// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Benchmarks.Engine.Engines;

/// <summary>One run of an image from power-on to its end.</summary>
/// <param name="Result">What the guest put on its serial port.</param>
/// <param name="CpuSeconds">Of all threads, user and system.</param>
/// <param name="Instructions">Retired, by an engine that counts them; else 0.</param>
internal readonly record struct GuestRun(string Result, double CpuSeconds, ulong Instructions);
