// SPDX-License-Identifier: Apache-2.0

using System.Text.RegularExpressions;

namespace KvmActors.Persistence;

/// <summary>A VM's name, which is also the id of its stream: 1 to 63 of a-z, 0-9 and '-', first a letter.</summary>
public readonly partial record struct VmId
{
    private VmId(string value) => Value = value;

    public string Value { get; }

    /// <summary>The VM's own stream.</summary>
    public StreamId Stream => new(Value);

    /// <summary>The stream of one of its vCPUs.</summary>
    public StreamId Vcpu(int index) => new($"{Value}/{index}");

    public static bool TryParse(string? text, out VmId id)
    {
        bool valid = text is not null && Pattern().IsMatch(text);
        id = valid ? new VmId(text!) : default;
        return valid;
    }

    /// <exception cref="FormatException">The text is no VM name; the message says what is.</exception>
    public static VmId Parse(string text) => TryParse(text, out VmId id)
        ? id
        : throw new FormatException(
            $"Expected a VM name of 1 to 63 characters a-z, 0-9 and '-', first a letter; found \"{text}\".");

    public override string ToString() => Value;

    [GeneratedRegex("^[a-z][a-z0-9-]{0,62}$")]
    private static partial Regex Pattern();
}
