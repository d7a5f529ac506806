// SPDX-License-Identifier: Apache-2.0

using System.Text;
using Iced.Intel;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Tests.Silicon.Vectors;

/// <summary>A failed vector in words: the instruction, what it saw, what was expected and what was found.</summary>
internal static class VectorText
{
    private const int FormsShown = 40;

    /// <summary>One failure of each form, the first; with what this machine's CPU does, where there is one.</summary>
    public static string Report(string name, VectorFile file, VectorPools pools, IReadOnlyList<VectorFailure> failures)
    {
        using var native = NativeCpu.TryCreateForVectors(out _);
        IGrouping<(Code Code, int Bits), VectorFailure>[] forms =
            [.. failures.GroupBy(failure => (failure.Shape.Code, failure.Shape.Bits))];
        StringBuilder text = new();
        text.AppendLine($"{name}: {failures.Count} of {file.Count} vectors differ, in {forms.Length} forms.");
        foreach (IGrouping<(Code Code, int Bits), VectorFailure> form in forms.Take(FormsShown))
        {
            VectorFailure first = form.OrderBy(failure => failure.Shape.FullCount <= failure.Number).First();
            text.AppendLine($"{first.Shape}: {form.Count()} vectors; number {first.Number} of shape "
                + $"{first.Shape.Index} at {first.Shape.Address:x}: {first.Difference}");
            MachineImage before = new();
            new VectorInputs(pools).Fill(first.Shape, first.Number, before);
            text.AppendLine($"    before: {Inputs(first.Shape, before)}");
            if (native is not null && Expected(native, file, first, before) is { } expected)
            {
                text.AppendLine($"    {expected}");
            }
        }

        return text.ToString();
    }

    /// <summary>The vectors of a shape whose whole results are recorded.</summary>
    public static IEnumerable<string> Show(VectorFile file, VectorPools pools, VectorShape shape)
    {
        VectorInputs inputs = new(pools);
        MachineImage before = new();
        MachineImage after = new();
        for (int number = 0; number < shape.FullCount; number++)
        {
            inputs.Fill(shape, number, before);
            after.CopyFrom(before);
            file.ReadFull(shape, number, after);
            yield return $"{shape} at {shape.Address:x}, number {number} of shape {shape.Index}\n"
                + $"    before: {Inputs(shape, before)}\n    after: {Changes(before, after)}";
        }
    }

    private static string Changes(MachineImage before, MachineImage after)
    {
        IEnumerable<string> words = Enumerable.Range(0, MachineImage.Count)
            .Where(word => before.Words[word] != after.Words[word])
            .Select(word => $"{MachineImage.NameOf(word)}={after.Words[word]:x}")
            .Append(MachineImage.NameOf(after.Fault))
            .Append($"flags {MachineImage.NamesOf(after.Flags & SiliconResult.ComparedFlags)}");
        return string.Join(", ", words);
    }

    private static string Inputs(VectorShape shape, MachineImage before)
    {
        StringBuilder text = new($"flags {MachineImage.NamesOf(before.Flags & SiliconResult.ComparedFlags)}");
        for (int register = 0; register < (shape.Bits == 64 ? 16 : 8); register++)
        {
            text.Append($" {(Gpr)register}={before.Words[MachineImage.Gprs + register]:x}");
        }

        Instruction instruction = shape.Decode();
        if (shape.HasFx)
        {
            for (int word = 0; word < MachineImage.FxCount; word++)
            {
                if (IsUsed(instruction, word))
                {
                    int at = MachineImage.Fx + word;
                    text.Append($" {MachineImage.NameOf(at)}={before.Words[at]:x}");
                }
            }
        }

        AppendMemory(text, shape, instruction, before);
        return text.ToString();
    }

    private static bool IsUsed(Instruction instruction, int word)
    {
        const int FirstXmm = 20;
        int register = (word - FirstXmm) / 2;
        return word < FirstXmm
            ? word is not 1 and not 2
            : Enumerable.Range(0, instruction.OpCount).Any(operand =>
                instruction.GetOpKind(operand) == OpKind.Register
                && instruction.GetOpRegister(operand) == Register.XMM0 + register);
    }

    private static void AppendMemory(
        StringBuilder text, VectorShape shape, in Instruction instruction, MachineImage before)
    {
        foreach (UsedMemory memory in new InstructionInfoFactory().GetInfo(instruction).GetUsedMemory())
        {
            ulong address = memory.GetVirtualAddress(0, (register, _, _) => register.IsSegmentRegister()
                ? 0
                : Value(before, register));
            text.Append($" {memory.MemorySize} at {address:x}");
            ulong offset = address - shape.BlockOrigin - SiliconLayout.Data;
            if (offset < SiliconLayout.DataBytes - 16)
            {
                ulong Byte(int at) => before.Words[MachineImage.Data + (((int)offset + at) / 8)]
                    >> (((int)offset + at) % 8 * 8) & 0xFF;
                text.Append(": ").AppendJoin(' ', Enumerable.Range(0, 16).Select(at => $"{Byte(at):x2}"));
            }
        }
    }

    private static ulong Value(MachineImage image, Register register)
    {
        if (!register.IsGPR())
        {
            return 0;
        }

        ulong full = image.Words[MachineImage.Gprs + (register.GetFullRegister() - Register.RAX)];
        return register.GetSize() switch
        {
            1 => (byte)full,
            2 => (ushort)full,
            4 => (uint)full,
            _ => full,
        };
    }

    /// <summary>What this machine's CPU gives; null if it gives something else than what was recorded.</summary>
    private static string? Expected(NativeCpu native, VectorFile file, VectorFailure failure, MachineImage before)
    {
        VectorShape shape = failure.Shape;
        bool canRun = shape.Bits == 64 || (shape.Bits == 32 ? native.Has32Bits() : native.TryMake16Bits(out _));
        if (!canRun)
        {
            return null;
        }

        MachineImage expected = new();
        native.BeginVectors();
        native.Prepare(shape);
        native.Execute(before, expected);
        native.EndVectors();
        bool isRecorded = file.DigestOf(shape, failure.Number) == MachineImage.Digest(before, expected);
        string whose = isRecorded
            ? "expected, as this machine's CPU also gives"
            : "this machine's CPU gives another result than was recorded";
        return $"{whose}: {Changes(before, expected)}";
    }
}
