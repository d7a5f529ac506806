// SPDX-License-Identifier: Apache-2.0

using System.Text.Json;
using KvmActors.Host.Hocon;

namespace KvmActors.Host.Tests.Hocon;

/// <summary>A resolved configuration as compact JSON, so that a test compares whole trees.</summary>
internal static class HoconJson
{
    public static string Of(string text, params (string Name, string Value)[] environment) =>
        Of(Resolve(text, environment).Root);

    public static HoconConfig Resolve(string text, params (string Name, string Value)[] environment) =>
        HoconDocument.Parse("test.conf", text)
            .Resolve(name => environment.FirstOrDefault(variable => variable.Name == name).Value);

    public static string Of(HoconValue value) => value switch
    {
        HoconValue.Scalar { Kind: HoconScalarKind.Text } scalar => JsonSerializer.Serialize(scalar.Text),
        HoconValue.Scalar scalar => scalar.Text,
        HoconValue.Array array => $"[{string.Join(',', array.Items.Select(Of))}]",
        HoconValue.Object fields => $"{{{string.Join(',', fields.Fields.Select(Of))}}}",
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    private static string Of(KeyValuePair<string, HoconValue> field) =>
        $"{JsonSerializer.Serialize(field.Key)}:{Of(field.Value)}";
}
