// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Text;
using KvmActors.Actors.Replay;
using KvmActors.Cpu.Debugging;
using KvmActors.Cpu.State;
using KvmActors.Machine;

namespace KvmActors.Host.Journal.Trace;

/// <summary>A trace as lines of text.</summary>
internal sealed class TraceText(TextWriter target, Timeline timeline, RegisterChanges changes) : ITraceSink
{
    private const int FlushAt = 1 << 15;
    private const int CodeWidth = 20;
    private const int TextWidth = 36;

    private readonly Disassembler _disassembler = new();
    private readonly StringBuilder _text = new();

    public void Event(ReplayEvent next) => _text.Append(
        CultureInfo.InvariantCulture,
        $"{next.VmTime,14}   -  {next.Stream} #{next.Seq}: {EventText.Describe(next.Event)}\n");

    public void Step(GuestTracer tracer)
    {
        SteppedVcpu stepped = tracer.Stepped;
        string address = tracer.Mode == CpuMode.Long64
            ? $"{tracer.LinearRip.Value:x16}"
            : $"{tracer.LinearRip.Value:x8}";
        (string code, string what) = stepped.HasRetired ? Instruction(tracer) : ("", StepWords.Of(stepped));
        string goesOn = stepped.HasRetired
            ? ""
            : $"goes on at 0x{timeline.Machine.Debugger.LinearRip(stepped.Index).Value:x}  ";
        string line = string.Create(
            CultureInfo.InvariantCulture,
            $"{tracer.At.ToString(),14}  {stepped.Index,2}  {address}  {code,-CodeWidth}  {what,-TextWidth}  {goesOn}"
            + $"{string.Join(", ", changes.Of(tracer))}");
        _text.Append(line.TrimEnd()).Append('\n');
        if (!stepped.Console.IsEmpty)
        {
            _text.Append(
                CultureInfo.InvariantCulture,
                $"{tracer.At.ToString(),14}  {stepped.Index,2}  "
                + $"console: \"{EventText.Shown(stepped.Console.Span)}\"\n");
        }

        if (_text.Length >= FlushAt)
        {
            Flush();
        }
    }

    public void Finish(Moment now, MachineEnd? end)
    {
        if (end is not null)
        {
            _text.Append(CultureInfo.InvariantCulture, $"{now.ToString(),14}   -  {end.Describe()}\n");
        }

        Flush();
    }

    private (string Code, string Text) Instruction(GuestTracer tracer)
    {
        DisassembledInstruction read = _disassembler.Read(tracer.Code, tracer.Mode, tracer.Rip);
        return (Convert.ToHexStringLower(tracer.Code[..read.SizeBytes]), read.Text);
    }

    private void Flush()
    {
        target.Write(_text);
        _text.Clear();
    }
}
