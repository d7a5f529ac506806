// SPDX-License-Identifier: Apache-2.0

using System.Text;
using System.Text.Json;

namespace KvmActors.Cpu.Cpuid.Formats;

/// <summary>Finds the line of a place in a JSON text. Only asked when something is wrong there.</summary>
internal static class CpuidJsonLines
{
    /// <param name="place">For instance <c>entries[3].eax</c>; what is not there stands for what holds it.</param>
    /// <returns>Counted from 1.</returns>
    public static int Find(string text, string place)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Utf8JsonReader reader = new(bytes);

        // One frame an open array or object: its own path, and the index of its next element if it is an array.
        Stack<(string Path, int Next)> open = new();
        string name = "";
        (int Length, long Offset) best = (0, 0);
        while (reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.PropertyName:
                    name = Encoding.UTF8.GetString(reader.ValueSpan);
                    break;
                case JsonTokenType.EndArray or JsonTokenType.EndObject:
                    open.Pop();
                    break;
                default:
                    string path = Enter(open, name);
                    if (path.Length > best.Length && IsAtOrAbove(path, place))
                    {
                        best = (path.Length, reader.TokenStartIndex);
                    }

                    if (reader.TokenType is JsonTokenType.StartArray or JsonTokenType.StartObject)
                    {
                        open.Push((path, reader.TokenType == JsonTokenType.StartArray ? 0 : -1));
                    }

                    break;
            }
        }

        return bytes.AsSpan(0, (int)best.Offset).Count((byte)'\n') + 1;
    }

    private static string Enter(Stack<(string Path, int Next)> open, string name)
    {
        if (!open.TryPop(out (string Path, int Next) holder))
        {
            return "";
        }

        bool isArray = holder.Next >= 0;
        open.Push(isArray ? holder with { Next = holder.Next + 1 } : holder);
        string joint = holder.Path.Length == 0 ? "" : ".";
        return isArray ? $"{holder.Path}[{holder.Next}]" : holder.Path + joint + name;
    }

    private static bool IsAtOrAbove(string path, string place) =>
        place.StartsWith(path, StringComparison.Ordinal)
        && (place.Length == path.Length || place[path.Length] is '.' or '[');
}
