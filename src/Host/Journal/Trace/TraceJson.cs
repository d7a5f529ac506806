// SPDX-License-Identifier: Apache-2.0

using System.Text;
using KvmActors.Actors.Replay;
using KvmActors.Cpu.Debugging;
using KvmActors.Host.Cli;
using KvmActors.Machine;

namespace KvmActors.Host.Journal.Trace;

/// <summary>A trace as JSON lines: an object a step, event, or piece of console output, with its type.</summary>
internal sealed class TraceJson(TextWriter target, Timeline timeline, RegisterChanges changes) : ITraceSink
{
    private const int FlushAt = 1 << 15;

    private readonly Disassembler _disassembler = new();
    private readonly StringBuilder _text = new();

    public void Event(ReplayEvent next) => Write(new
    {
        Type = "event",
        Moment = new Moment(next.VmTime).ToString(),
        Stream = next.Stream.ToString(),
        next.Seq,
        Kind = next.Event.GetType().Name,
        Text = EventText.Describe(next.Event),
    });

    public void Step(GuestTracer tracer)
    {
        SteppedVcpu stepped = tracer.Stepped;
        var registers = changes.Of(tracer).ToDictionary(
            each => each.Register, each => new[] { each.Old, each.New }, StringComparer.Ordinal);
        if (stepped.HasRetired)
        {
            DisassembledInstruction read = _disassembler.Read(tracer.Code, tracer.Mode, tracer.Rip);
            Write(new
            {
                Type = "instruction",
                Moment = tracer.At.ToString(),
                Vcpu = stepped.Index,
                Address = $"0x{tracer.LinearRip.Value:x}",
                Bytes = Convert.ToHexStringLower(tracer.Code[..read.SizeBytes]),
                Instruction = read.Text,
                Registers = registers,
            });
        }
        else
        {
            Write(new
            {
                Type = stepped.Delivery is not null ? "delivery" : stepped.Patches.IsEmpty ? "wake" : "patch",
                Moment = tracer.At.ToString(),
                Vcpu = stepped.Index,
                Address = $"0x{tracer.LinearRip.Value:x}",
                Text = StepWords.Of(stepped)[3..],
                stepped.Delivery?.Vector,
                stepped.Delivery?.ErrorCode,
                GoesOnAt = $"0x{timeline.Machine.Debugger.LinearRip(stepped.Index).Value:x}",
                Registers = registers,
            });
        }

        if (!stepped.Console.IsEmpty)
        {
            Write(new
            {
                Type = "console",
                Moment = tracer.At.ToString(),
                Vcpu = stepped.Index,
                Bytes = Convert.ToHexStringLower(stepped.Console.Span),
                Text = Encoding.Latin1.GetString(stepped.Console.Span),
            });
        }
    }

    public void Finish(Moment now, MachineEnd? end)
    {
        if (end is not null)
        {
            Write(new { Type = "end", Moment = now.ToString(), Text = end.Describe(), end.ExitCode });
        }

        Flush();
    }

    private void Write<T>(T line)
    {
        _text.Append(CliJson.Line(line)).Append('\n');
        if (_text.Length >= FlushAt)
        {
            Flush();
        }
    }

    private void Flush()
    {
        target.Write(_text);
        _text.Clear();
    }
}
