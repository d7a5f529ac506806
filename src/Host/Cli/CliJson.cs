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

    private static readonly JsonSerializerOptions s_lineOptions = new(s_options) { WriteIndented = false };

    public static void Write<T>(TextWriter target, T value) =>
        target.WriteLine(JsonSerializer.Serialize(value, s_options));

    /// <summary>On one line, for output that goes on and on.</summary>
    public static void WriteLine<T>(TextWriter target, T value) =>
        target.WriteLine(Line(value));

    /// <summary>One line, without its end.</summary>
    public static string Line<T>(T value) => JsonSerializer.Serialize(value, s_lineOptions);
}
