// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Hypercalls;
using KvmActors.Machine.Tests.Loaders;
using KvmActors.Samples.Guests;

namespace KvmActors.Machine.Tests.Robustness;

/// <summary>Files that begin like images, or were ones.</summary>
internal static class GarbageImages
{
    private const int BytesMax = 0x3000;

    private static readonly byte[] s_story = StoryGuest.Build(HostVendor.Intel, StoryGuestSize.Short);

    public static byte[] Of(Random random)
    {
        byte[] file = Begin(random);
        for (int left = random.Next(24); left > 0 && file.Length > 0; left--)
        {
            Spoil(random, file);
        }

        return random.Next(6) == 0 ? file[..random.Next(file.Length + 1)] : file;
    }

    private static byte[] Begin(Random random)
    {
        byte[] code = new byte[random.Next(1, BytesMax)];
        random.NextBytes(code);
        switch (random.Next(7))
        {
            case 0:
                return ImageBuilder.Elf(is64: false, code);
            case 1:
                return ImageBuilder.Elf(is64: true, code);
            case 2:
                return ImageBuilder.WithAddresses(code);
            case 3:
                return [.. s_story];
            case 4 when code.Length > 0x210:
                (code[510], code[511]) = (0x55, 0xAA);
                return code;
            case 5 when code.Length > 0x400:
                // A Linux bzImage.
                (code[510], code[511]) = (0x55, 0xAA);
                "HdrS"u8.CopyTo(code.AsSpan(0x202));
                ImageBuilder.Put16(code, 0x206, 0x20F);
                return code;
            default:
                return code;
        }
    }

    /// <summary>A word of the first bytes, where headers are, or of any place.</summary>
    private static void Spoil(Random random, byte[] file)
    {
        int at = random.Next(random.Next(3) == 0 ? file.Length : Math.Min(file.Length, 0x240));
        byte[] word = new byte[8];
        switch (random.Next(4))
        {
            case 0:
                random.NextBytes(word);
                break;
            case 1:
                word[random.Next(8)] = (byte)random.Next(256);
                break;
            case 2:
                Array.Fill(word, (byte)0xFF);
                break;
            default:
                file[at] ^= (byte)(1 << random.Next(8));
                return;
        }

        word.AsSpan(0, Math.Min(1 << random.Next(4), file.Length - at)).CopyTo(file.AsSpan(at));
    }
}
