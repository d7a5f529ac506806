// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Iced.Intel;
using KvmActors.Cpu;
using KvmActors.Cpu.State;

namespace KvmActors.Host.Debug;

/// <summary>Memory in words: bytes, instructions, addresses.</summary>
internal sealed class MonitorMemory(GdbView view)
{
    private const int BytesMax = 4096;
    private const int BytesDefault = 64;
    private const int BytesInLine = 16;
    private const int InstructionsMax = 100;
    private const int InstructionsDefault = 8;
    private const int InstructionBytesMax = 15;

    /// <summary>Bytes of physical memory.</summary>
    /// <exception cref="CliFault">A word is no number, or there is no memory.</exception>
    public string Dump(ImmutableArray<string> words)
    {
        ulong start = words.IsEmpty
            ? throw new CliFault("Expected a physical address, found nothing.")
            : MonitorNumber.Hex(words[0], "a physical address");
        byte[] bytes = new byte[words.Length > 1 ? MonitorNumber.Count(words[1], BytesMax) : BytesDefault];
        int read = view.Target.ReadPhysical(new Gpa(start), bytes);
        if (read == 0)
        {
            throw new CliFault($"Expected memory at {new Gpa(start)}, found none.");
        }

        StringBuilder text = new();
        for (int at = 0; at < read; at += BytesInLine)
        {
            ReadOnlySpan<byte> line = bytes.AsSpan(at, Math.Min(BytesInLine, read - at));
            text.Append(CultureInfo.InvariantCulture, $"{start + (ulong)at:x16} ");
            foreach (byte next in line)
            {
                text.Append(CultureInfo.InvariantCulture, $" {next:x2}");
            }

            text.Append(' ', 2 + (3 * (BytesInLine - line.Length)));
            foreach (byte next in line)
            {
                text.Append(next is >= (byte)' ' and <= (byte)'~' ? (char)next : '.');
            }

            text.Append('\n');
        }

        return text.ToString();
    }

    /// <exception cref="CliFault">A word is no number.</exception>
    public string Translate(ImmutableArray<string> words)
    {
        Gva address = words.IsEmpty
            ? throw new CliFault("Expected a virtual address, found nothing.")
            : new Gva(MonitorNumber.Hex(words[0], "a virtual address"));
        return view.Target.Translate(view.Vcpu, address) is { } physical
            ? $"{address} is {physical}.\n"
            : $"{address} is not present in the page tables of vCPU {view.Vcpu}.\n";
    }

    /// <exception cref="CliFault">The word is neither on nor off.</exception>
    public string Physical(ImmutableArray<string> words)
    {
        view.IsPhysical = words switch
        {
            [] => view.IsPhysical,
            ["on"] => true,
            ["off"] => false,
            _ => throw new CliFault($"Expected on or off, found \"{words[0]}\"."),
        };
        return $"x and print read {(view.IsPhysical ? "physical" : "virtual")} addresses.\n";
    }

    /// <summary>Instructions from an address on, or from where the vCPU stands, decoded as the vCPU would.</summary>
    /// <exception cref="CliFault">A word is no number, or there is no memory.</exception>
    public string Code(ImmutableArray<string> words)
    {
        VcpuState state = view.State;
        Gva linear = GuestMode.LinearRip(state);
        ulong skew = linear.Value - state.Rip;
        ulong start = words.IsEmpty ? linear.Value : MonitorNumber.Hex(words[0], "an address");
        int count = words.Length > 1 ? MonitorNumber.Count(words[1], InstructionsMax) : InstructionsDefault;
        byte[] bytes = new byte[count * InstructionBytesMax];
        int read = view.Target.ReadVirtual(view.Vcpu, new Gva(start), bytes);
        if (read == 0)
        {
            throw new CliFault($"Expected code at {new Gva(start)}, found no memory.");
        }

        var decoder = Iced.Intel.Decoder.Create(
            GuestMode.CodeBits(state), new ByteArrayCodeReader(bytes, 0, read), ip: start - skew);
        NasmFormatter formatter = new();
        StringOutput line = new();
        StringBuilder text = new();
        for (int i = 0; i < count && decoder.IP + skew - start < (ulong)read; i++)
        {
            Instruction instruction = decoder.Decode();
            formatter.Format(instruction, line);
            string mark = instruction.IP + skew == linear.Value ? "=>" : "  ";
            text.Append(
                CultureInfo.InvariantCulture,
                $"{mark} {instruction.IP + skew:x16}  {line.ToStringAndReset()}\n");
        }

        return text.ToString();
    }
}
