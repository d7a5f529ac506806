// SPDX-License-Identifier: Apache-2.0

using Microsoft.Extensions.Logging;

namespace KvmActors.Host;

/// <summary>Every line that Host writes to its log.</summary>
internal static partial class HostLog
{
    [LoggerMessage(1, LogLevel.Error, "The call of {Path} failed inside the node")]
    internal static partial void CallFailed(this ILogger logger, string path, Exception fault);
}
