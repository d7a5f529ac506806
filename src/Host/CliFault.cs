// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host;

/// <summary>Something that a user of the program can put right. The message says what was expected, what was found and
/// what to do, and is all that is printed.</summary>
/// <param name="exitCode">1 refused or failed, 2 usage.</param>
internal sealed class CliFault(string message, Exception? inner = null, int exitCode = CliFault.Refused)
    : Exception(message, inner)
{
    public const int Refused = 1;

    public const int Usage = 2;

    public int ExitCode { get; } = exitCode;
}
