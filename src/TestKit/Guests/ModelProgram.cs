// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Text;

namespace KvmActors.TestKit.Guests;

/// <summary>What a <see cref="ModelGuest"/> does, as the text of its "boot image".</summary>
/// <param name="EndAt">VM time at which it ends itself.</param>
/// <param name="PrintEvery">Ticks between two lines on the console.</param>
/// <param name="WriteEvery">Ticks between two writes to memory.</param>
/// <param name="CallEvery">Ticks between two executions of its hypercall site.</param>
/// <param name="ReadEvery">Ticks between two looks at the console's input and at CPUID leaf 2.</param>
public sealed record ModelProgram(ulong EndAt, ulong PrintEvery, ulong WriteEvery, ulong CallEvery, ulong ReadEvery)
{
    private const string Magic = "model";

    /// <summary>The text that <see cref="Parse"/> takes.</summary>
    public byte[] ToImage() => Encoding.ASCII.GetBytes(string.Create(
        CultureInfo.InvariantCulture, $"{Magic} {EndAt} {PrintEvery} {WriteEvery} {CallEvery} {ReadEvery}"));

    /// <returns>Null where the bytes are no model program.</returns>
    public static ModelProgram? Parse(ReadOnlySpan<byte> image)
    {
        string[] words = Encoding.ASCII.GetString(image).Split(' ');
        ulong[] numbers = [.. words.Skip(1).Select(word => ulong.TryParse(word, out ulong number) ? number : 0)];
        return words[0] == Magic && numbers.Length == 5 && numbers.All(number => number > 0)
            ? new ModelProgram(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4])
            : null;
    }
}
