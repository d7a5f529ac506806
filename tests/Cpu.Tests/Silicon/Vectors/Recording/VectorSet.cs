// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Tests.Silicon.Vectors.Recording;

/// <summary>One file of vectors: its name, how many, and where they come from.</summary>
internal sealed record VectorSet(string Name, VectorPlan Plan, VectorSet.Shapes From)
{
    public delegate IEnumerable<VectorShape> Shapes(ShapeSource source, VectorPlan plan);
}
