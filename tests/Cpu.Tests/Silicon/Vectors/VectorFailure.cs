// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Tests.Silicon.Vectors;

/// <summary>A vector that the engine does not agree with.</summary>
/// <param name="Difference">Expected and found, in words.</param>
internal sealed record VectorFailure(VectorShape Shape, int Number, string Difference);
