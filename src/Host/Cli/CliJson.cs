// SPDX-License-Identifier: Apache-2.0

using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace KvmActors.Host.Cli;

/// <summary>What <c>--json</c> prints: one object or array with names in camelCase and enums as words.</summary>
internal static class CliJson
{
    private static readonly JsonSerializerOptions s_options = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    public static void Write<T>(TextWriter target, T value) =>
        target.WriteLine(JsonSerializer.Serialize(value, s_options));
}
