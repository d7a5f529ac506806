// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Globalization;
using KvmActors.Actors.Replay;
using KvmActors.Cpu.Debugging;
using KvmActors.Host.Journal.Trace;

namespace KvmActors.Host.Journal.Diff;

/// <summary>What <c>journal diff A B --runs</c> prints.</summary>
/// <param name="From">VM time from which both are known.</param>
/// <param name="Until">VM time until which both are known.</param>
/// <param name="DiffersAtStart">Registers or memory differ where the comparison begins.</param>
/// <param name="StartDiffers">What of CPUID, host vendor and devices differs where the comparison begins.</param>
/// <param name="Input">The first event that entered one and not, or not so, the other.</param>
/// <param name="EqualUntil">The last VM time at which software sees the same in both; null: all the way.</param>
/// <param name="FirstStep">The first step that makes a difference, in the first run.</param>
/// <param name="SecondStep">The same in the second run.</param>
internal sealed record RunReport(
    string First,
    string Second,
    ulong From,
    ulong Until,
    bool Equal,
    bool DiffersAtStart,
    ImmutableArray<FieldDifference> StartDiffers,
    InputDifference? Input,
    ulong? EqualUntil,
    StepReport? FirstStep,
    StepReport? SecondStep)
{
    /// <param name="shownMax">Fields that are listed.</param>
    public void Write(TextWriter target, int shownMax)
    {
        if (!StartDiffers.IsEmpty)
        {
            target.WriteLine($"Where the comparison begins, at VM time {From}, these differ:");
            foreach (FieldDifference field in StartDiffers.Take(shownMax))
            {
                target.WriteLine($"  {field.Name,-28}  {field.First} | {field.Second}");
            }

            if (StartDiffers.Length > shownMax)
            {
                target.WriteLine($"  … and {StartDiffers.Length - shownMax} more.");
            }
        }

        if (Input is { } input)
        {
            target.WriteLine("The first that entered from outside and is not the same:");
            target.WriteLine($"  {First,-12}  {input.First ?? "nothing more"}");
            target.WriteLine($"  {Second,-12}  {input.Second ?? "nothing more"}");
        }

        if (DiffersAtStart)
        {
            target.WriteLine(
                $"Registers or memory differ from the start: compare {First}@{From} and {Second}@{From} with "
                + "journal diff.");
            return;
        }

        if (EqualUntil is not { } equal)
        {
            target.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"Equal: registers and memory of {First} and {Second} from VM time {From} to {Until}."));
            return;
        }

        target.WriteLine($"Registers and memory are equal up to VM time {equal}. The first step that differs:");
        target.WriteLine($"  {First,-12}  {Describe(FirstStep)}");
        target.WriteLine($"  {Second,-12}  {Describe(SecondStep)}");
    }

    private static string Describe(StepReport? step) => step?.ToString() ?? "does not go on";
}

/// <summary>Two events, in words; null where there is none.</summary>
internal sealed record InputDifference(string? First, string? Second)
{
    public static InputDifference Of(ReplayEvent? first, ReplayEvent? second) => new(Words(first), Words(second));

    private static string? Words(ReplayEvent? next) => next is null
        ? null
        : string.Create(
            CultureInfo.InvariantCulture,
            $"{next.VmTime}  {next.Stream} #{next.Seq}: {EventText.Describe(next.Event)}");
}

/// <summary>A step and the registers that it changed.</summary>
internal sealed record StepReport(
    string Moment, int Vcpu, string Address, string Bytes, string Text, ImmutableArray<string> Changes)
{
    /// <param name="changes">Was told of the step before it was taken.</param>
    public static StepReport Of(GuestTracer tracer, RegisterChanges changes)
    {
        DisassembledInstruction read = new Disassembler().Read(tracer.Code, tracer.Mode, tracer.Rip);
        bool isInstruction = tracer.Stepped.HasRetired;
        return new StepReport(
            tracer.At.ToString(),
            tracer.Stepped.Index,
            $"0x{tracer.LinearRip.Value:x}",
            isInstruction ? Convert.ToHexStringLower(tracer.Code[..read.SizeBytes]) : "",
            isInstruction ? read.Text : StepWords.Of(tracer.Stepped),
            [.. changes.Of(tracer).Select(change => change.ToString())]);
    }

    public override string ToString() =>
        $"{Moment}  vCPU {Vcpu}  {Address}  {Bytes}  {Text}  {string.Join(", ", Changes)}".TrimEnd();
}
