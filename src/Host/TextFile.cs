// SPDX-License-Identifier: Apache-2.0

using System.Text;
using KvmActors.Cpu.Cpuid.Formats;

namespace KvmActors.Host;

/// <summary>Texts of bounded length that a verb is given: a table, a template, a record.</summary>
/// <remarks>A device file has no end, so that no length is believed before it was read.</remarks>
internal static class TextFile
{
    /// <param name="what">What the file should hold, with its article.</param>
    /// <param name="advice">What to do where it does not.</param>
    /// <exception cref="CliFault">The file cannot be read, is empty, too large or no text.</exception>
    public static string Read(string file, string what, string advice)
    {
        if (file.Length == 0 || Directory.Exists(file))
        {
            throw Missing(file, what, file.Length == 0 ? "no name of a file." : "a folder.", advice);
        }

        try
        {
            using FileStream stream = File.OpenRead(file);
            return Read(file, stream, what, advice);
        }
        catch (Exception fault) when (fault is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Missing(file, what, "no such file.", advice, fault);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw Missing(file, what, $"none that can be read: {fault.Message}", advice, fault);
        }
    }

    /// <param name="name">What messages call the stream.</param>
    /// <exception cref="CliFault">The stream is empty, too large or no text.</exception>
    public static string Read(string name, Stream stream, string what, string advice)
    {
        using StreamReader reader = new(stream, Encoding.UTF8, leaveOpen: true);
        StringBuilder builder = new();
        char[] buffer = new char[32 * 1024];
        int read;
        while ((read = reader.Read(buffer)) > 0)
        {
            builder.Append(buffer, 0, read);
            if (builder.Length > CpuidText.CharactersMax)
            {
                throw new CliFault(
                    $"{name}: expected {what} of at most {CpuidText.CharactersMax} characters, found more. {advice}");
            }
        }

        string text = builder.ToString();
        if (string.IsNullOrWhiteSpace(text))
        {
            throw new CliFault($"{name}: line 1: expected {what}, found nothing in it. {advice}");
        }

        int zero = text.IndexOf('\0', StringComparison.Ordinal);
        return zero < 0
            ? text
            : throw new CliFault(
                $"{name}: line {1 + text.AsSpan(0, zero).Count('\n')}: expected {what}, which is text, found a byte 0: "
                + $"this is a binary file. {advice}");
    }

    private static CliFault Missing(
        string file, string what, string found, string advice, Exception? fault = null)
    {
        string place = file.Length == 0 ? "" : $" at {file}";
        string sentence = $"Expected {what}{place}, found {found} {advice}";
        return fault is null ? new CliFault(sentence) : new CliFault(sentence, fault);
    }
}
