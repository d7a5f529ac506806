// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Tests.Robustness;

/// <summary>Bytes that are no program, but meet more instructions than evenly random ones would.</summary>
internal static class GarbageCode
{
    private const int Any = -1;

    /// <summary>A ModRM byte of two registers.</summary>
    private const int Registers = -2;

    /// <summary>A selector's low byte, mostly of the tests' GDT.</summary>
    private const int Selector = -3;

    private static readonly byte[] s_prefixes =
        [0x66, 0x67, 0xF2, 0xF3, 0xF0, 0x2E, 0x36, 0x3E, 0x26, 0x64, 0x65];

    private static readonly byte[] s_mandatory = [0x66, 0xF2, 0xF3];

    private static readonly uint[] s_msrs =
    [
        0x10, 0x1B, 0x3B, 0xFE, 0x140, 0x174, 0x175, 0x176, 0x1A0, 0x200, 0x250, 0x277, 0x2FF, 0x6E0, 0x800, 0x80B,
        0x830, 0x832, 0x838, 0x83F, 0xC000_0080, 0xC000_0081, 0xC000_0082, 0xC000_0084, 0xC000_0100, 0xC000_0101,
        0xC000_0102, 0xC000_0103, 0x4B56_4D00, 0x4B56_4D01,
    ];

    /// <summary>What an operating system is made of.</summary>
    private static readonly int[][] s_system =
    [
        [0x0F, 0x22, Registers], [0x0F, 0x20, Registers], [0x0F, 0x21, Registers], [0x0F, 0x23, Registers],
        [0x0F, 0x30], [0x0F, 0x32], [0x0F, 0x31], [0x0F, 0xA2], [0x0F, 0x01, Any], [0x0F, 0x00, Any],
        [0x0F, 0xAE, Any], [0x0F, 0xC7, Any], [0x48, 0x0F, 0xAE, Any], [0x48, 0x0F, 0xC7, Any],
        [0xCF], [0x48, 0xCF], [0x66, 0xCF], [0xCB], [0xCA, Any, 0], [0xC3], [0x48, 0xCB],
        [0xEA, Any, Any, Selector, 0, Any], [0xEA, Any, Any, 1, 0, Selector, 0],
        [0x9A, Any, Any, Selector, 0, Any], [0x9A, Any, Any, 1, 0, Selector, 0],
        [0xFF, Any], [0x8E, Registers], [0x8E, Any], [0x8C, Any], [0x0F, 0xB2, Any], [0x0F, 0xB4, Any],
        [0xB8, Selector, 0, 0, 0, 0x8E, Registers], [0x66, 0xB8, Selector, 0, 0x8E, Registers],
        [0xB8, Selector, 0, 0, 0, 0x0F, 0x00, Registers], [0x6A, Selector, 0x17], [0x6A, Selector, 0x1F],
        [0xC4, Any], [0xC5, Any], [0xCD, Any], [0xCC], [0xCE], [0xF1], [0xF4], [0xFA], [0xFB], [0x9C], [0x9D],
        [0x6C], [0x6D], [0x6E], [0x6F], [0xF3, 0x6C], [0xF3, 0x6F], [0xE4, Any], [0xE6, Any], [0xEC], [0xEF],
        [0xF3, 0xA4], [0xF3, 0xAB], [0xF3, 0xA6], [0xF2, 0xAE], [0xF3, 0x48, 0xA5], [0xFD], [0xFC],
        [0x0F, 0x05], [0x0F, 0x07], [0x48, 0x0F, 0x07], [0x0F, 0x34], [0x0F, 0x35], [0x48, 0x0F, 0x35],
        [0x0F, 0x01, 0xC1], [0x0F, 0x01, 0xD9], [0x0F, 0x01, 0xD0], [0x0F, 0x01, 0xD1], [0x0F, 0x01, 0xF8],
        [0x0F, 0x01, 0xF9], [0x0F, 0x01, 0xCA], [0x0F, 0x01, 0xCB], [0x0F, 0x06], [0x0F, 0x09], [0x0F, 0x0B],
        [0x0F, 0x02, Any], [0x0F, 0x03, Any], [0x63, Any], [0xC8, Any, Any, Any], [0xC9], [0x62, Any],
        [0xF0, 0x0F, 0xC7, Any], [0xF0, 0x0F, 0xB1, Any], [0x0F, 0xA1], [0x0F, 0xA9], [0x07], [0x17], [0x1F],
        [0x66, 0x0F, 0x38, 0x82, Any], [0x0F, 0x38, 0xF0, Any], [0x90], [0xF3, 0x90],
    ];

    /// <summary>Fills a stretch of code.</summary>
    public static byte[] Of(Random random, int count, bool isSystem)
    {
        List<byte> code = new(count + 16);
        while (code.Count < count)
        {
            int kind = random.Next(10);
            if (isSystem ? kind < 6 : kind < 2)
            {
                System(random, code);
            }
            else if (kind < 8)
            {
                OneOfAMap(random, code);
            }
            else
            {
                Bytes(random, code, random.Next(1, 8));
            }
        }

        return [.. code.Take(count)];
    }

    private static void System(Random random, List<byte> code)
    {
        if (random.Next(8) == 0)
        {
            // mov ecx, an MSR's index
            code.Add(0xB9);
            code.AddRange(BitConverter.GetBytes(s_msrs[random.Next(s_msrs.Length)]));
        }

        foreach (int part in s_system[random.Next(s_system.Length)])
        {
            code.Add(part switch
            {
                Any => (byte)random.Next(256),
                Registers => (byte)(0xC0 | random.Next(64)),
                Selector => (byte)(random.Next(4) == 0 ? random.Next(256) : (random.Next(11) * 8) + random.Next(4)),
                _ => (byte)part,
            });
        }
    }

    /// <summary>An opcode of one of the maps, with operands as chance has it.</summary>
    private static void OneOfAMap(Random random, List<byte> code)
    {
        for (int i = random.Next(4) - 2; i > 0; i--)
        {
            code.Add(s_prefixes[random.Next(s_prefixes.Length)]);
        }

        int map = random.Next(10);
        if (map is >= 4 and < 8 && random.Next(2) == 0)
        {
            code.Add(s_mandatory[random.Next(s_mandatory.Length)]);
        }

        if (random.Next(3) == 0)
        {
            code.Add((byte)(0x40 | random.Next(16)));
        }

        switch (map)
        {
            case < 3:
                break;
            case < 4:
                // x87
                code.Add((byte)(0xD8 | random.Next(8)));
                Bytes(random, code, random.Next(1, 3));
                return;
            case < 8:
                code.Add(0x0F);
                break;
            default:
                code.Add(0x0F);
                code.Add(map == 8 ? (byte)0x38 : (byte)0x3A);
                break;
        }

        Bytes(random, code, random.Next(2, 5));
    }

    private static void Bytes(Random random, List<byte> code, int count)
    {
        for (int i = 0; i < count; i++)
        {
            code.Add((byte)random.Next(256));
        }
    }
}
