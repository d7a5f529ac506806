// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host;

/// <summary>The sentence of an exception that was made for people.</summary>
internal static class FaultSentence
{
    /// <summary>Without the "(Parameter 'x')" that .NET adds for programmers.</summary>
    public static string Of(ArgumentException fault) => fault.ParamName is null
        ? fault.Message
        : fault.Message.Replace($" (Parameter '{fault.ParamName}')", "", StringComparison.Ordinal);
}
