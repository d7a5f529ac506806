// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;

namespace KvmActors.Host.Security;

/// <summary>A text file of certificates that are no longer good: SHA-256 of one a line, as <c>cert show</c> prints it;
/// behind it, and in lines of its own, a comment after '#'.</summary>
internal static class RevokedList
{
    private const int PrintDigits = 64;

    /// <exception cref="CliFault">The file cannot be read, or a line is none: what is not understood must not let
    /// anybody in.</exception>
    public static ImmutableHashSet<string> Read(string path)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(path);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CliFault(
                $"Expected a list of revoked certificates at {path} (tls.revoked), found none that can be read: "
                + fault.Message,
                fault);
        }

        ImmutableHashSet<string>.Builder revoked = ImmutableHashSet.CreateBuilder<string>(StringComparer.Ordinal);
        for (int i = 0; i < lines.Length; i++)
        {
            string print = lines[i].Split('#')[0].Trim().ToLowerInvariant();
            if (print.Length == 0)
            {
                continue;
            }

            if (print.Length != PrintDigits || !print.All(char.IsAsciiHexDigit))
            {
                throw new CliFault(
                    $"{path}:{i + 1}: expected the {PrintDigits} hexadecimal digits of a certificate's SHA-256, found "
                    + $"\"{print}\". kvmactors cert show prints them.");
            }

            revoked.Add(print);
        }

        return revoked.ToImmutable();
    }
}
