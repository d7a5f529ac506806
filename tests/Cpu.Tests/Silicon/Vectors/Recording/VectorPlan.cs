// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Tests.Silicon.Vectors.Recording;

/// <summary>How many vectors a form gets, and of what kind.</summary>
/// <param name="Shapes">Encodings of a form.</param>
/// <param name="CountPerShape">Vectors of an encoding.</param>
/// <param name="FullPerShape">Of these, whole results.</param>
internal sealed record VectorPlan(
    int Bits, int Shapes, int CountPerShape, int FullPerShape, bool HasFx = false, bool IsFpu = false);
