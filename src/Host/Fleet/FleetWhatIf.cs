// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Fleet;

/// <summary>A host that might join a pool or leave it.</summary>
/// <param name="Word"><c>add</c> or <c>remove</c>.</param>
/// <param name="Host">A table to add; the name or the word of a host to remove.</param>
internal sealed record FleetWhatIf(string Word, string Host)
{
    public const string Add = "add";

    public const string Remove = "remove";

    /// <exception cref="CliFault">The word is neither.</exception>
    public static FleetWhatIf? Of(string[]? words) => words switch
    {
        null or [] => null,
        [Add or Remove, string host] => new FleetWhatIf(words[0], host),
        _ => throw new CliFault(
            $"Expected add or remove and a host for --what-if, found \"{string.Join(' ', words)}\". "
            + "Write for example: --what-if add new-host.txt",
            exitCode: CliFault.Usage),
    };
}
