// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence;

/// <summary>Names one command of one client, so that a retry is answered and not repeated.</summary>
public readonly record struct CommandId(string Client, string Command)
{
    public override string ToString() => $"{Client}/{Command}";
}
