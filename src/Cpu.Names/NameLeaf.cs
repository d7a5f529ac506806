// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Names;

/// <summary>A <c>leaf</c> line.</summary>
internal sealed class NameLeaf(uint leaf, string rule, string title, string maker)
{
    public uint Leaf { get; } = leaf;

    public string Rule { get; } = rule;

    public string Title { get; } = title;

    public string Maker { get; } = maker;
}
