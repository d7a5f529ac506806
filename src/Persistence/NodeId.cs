// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence;

/// <summary>One life of a node process: "NAME#N". New at every start and never used again (Orleans calls N a
/// generation).</summary>
public readonly record struct NodeId(string Value)
{
    /// <summary>The configured name, which outlives the process.</summary>
    public string Name => Value[..Value.LastIndexOf('#')];

    public override string ToString() => Value;
}
