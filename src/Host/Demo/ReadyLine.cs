// SPDX-License-Identifier: Apache-2.0

using System.Text.Json;

namespace KvmActors.Host.Demo;

/// <summary>The line that <c>node run --json</c> prints when the node has joined.</summary>
internal static class ReadyLine
{
    /// <returns>HOST:PORT, or nothing where the line is another one.</returns>
    public static string EndpointOf(string line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            return document.RootElement.TryGetProperty("link", out JsonElement link) ? link.GetString() ?? "" : "";
        }
        catch (JsonException)
        {
            return "";
        }
    }
}
