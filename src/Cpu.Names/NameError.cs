// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Names;

/// <summary>What is wrong with a line of the table, counted from 1.</summary>
internal sealed class NameError(int line, string message)
{
    public int Line { get; } = line;

    public string Message { get; } = message;
}
