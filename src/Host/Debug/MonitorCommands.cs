// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Globalization;
using KvmActors.Host.Cli;
using KvmActors.Machine;

namespace KvmActors.Host.Debug;

/// <summary>The commands behind gdb's <c>monitor</c>: what a guest has that gdb has no word for.</summary>
internal sealed class MonitorCommands
{
    private static readonly char[] s_blanks = [' ', '\t'];

    private readonly GdbView _view;
    private readonly ImmutableArray<MonitorCommand> _commands;

    public MonitorCommands(GdbView view)
    {
        _view = view;
        MonitorVcpus vcpus = new(view);
        MonitorMemory memory = new(view);
        MonitorJournal journal = new(view);
        _commands =
        [
            MonitorCommand.Of("help", "this list", 0, _ => Help()),
            MonitorCommand.Of("time", "where the guest stands, in VM time and instructions", 0, _ => Time()),
            new("goto MOMENT", $"go to {MomentText.Forms}", 1, GoToAsync),
            MonitorCommand.Of("vcpus", "all vCPUs, a line each", 0, _ => vcpus.All()),
            MonitorCommand.Of("regs", "control state of this thread's vCPU", 0, _ => vcpus.ControlState()),
            MonitorCommand.Of("cpuid [LEAF [SUBLEAF]]", "what CPUID answers this thread's vCPU", 2, vcpus.Cpuid),
            MonitorCommand.Of("code [ADDRESS [COUNT]]", "instructions, in the vCPU's mode", 2, memory.Code),
            MonitorCommand.Of("xp ADDRESS [BYTES]", "physical memory", 2, memory.Dump),
            MonitorCommand.Of("translate ADDRESS", "the GPA behind a GVA", 1, memory.Translate),
            MonitorCommand.Of("physical [on|off]", "let x and print read physical addresses", 1, memory.Physical),
            MonitorCommand.Of("patches", "hypercall sites rewritten so far", 0, _ => journal.Patches()),
            MonitorCommand.Of("events [COUNT]", "the journal around now", 1, journal.Events),
        ];
    }

    /// <summary>Runs one line, and says what is wrong with it where something is.</summary>
    /// <returns>Whole lines.</returns>
    public async Task<string> RunAsync(string line, CancellationToken interrupt)
    {
        string[] words = line.Split(s_blanks, StringSplitOptions.RemoveEmptyEntries);
        string word = words.Length == 0 ? "help" : words[0];
        MonitorCommand? command = _commands.FirstOrDefault(next => next.Word == word);
        if (command is null)
        {
            string known = string.Join(", ", _commands.Select(next => next.Word));
            return $"Expected one of {known}, found \"{FaultText.Visible(word)}\".\n";
        }

        if (words.Length - 1 > command.WordsMax)
        {
            return $"Expected {command.Usage}, found more behind it.\n";
        }

        try
        {
            return await command.Run([.. words.Skip(1)], interrupt).ConfigureAwait(false);
        }
        catch (CliFault fault)
        {
            return FaultText.Visible(fault.Message) + "\n";
        }
    }

    private string Help() => string.Concat(
        _commands.Select(command => $"monitor {command.Usage,-24}{command.Summary}\n"));

    private string Time()
    {
        IDebugTarget target = _view.Target;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"now    {target.Now}, {target.InstructionsRetired} instructions, vCPU {target.State.Runner} runs next\n"
            + $"start  {target.Start}\nend    {target.End}{EndOf(target)}\n");
    }

    private static string EndOf(IDebugTarget target) =>
        target.Now == target.End && target.State.End is { } end ? $": {end.Describe()}" : "";

    private async Task<string> GoToAsync(ImmutableArray<string> words, CancellationToken interrupt)
    {
        IDebugTarget target = _view.Target;
        Moment moment = words.Length == 1
            ? MomentText.Parse(words[0], target.Start, target.Now, target.End)
            : throw new CliFault($"Expected {MomentText.Forms}, found nothing.");
        DebugStop stop = await target.GoToAsync(moment, interrupt).ConfigureAwait(false);
        string came = stop is DebugStop.Interrupted ? "Interrupted on the way, at" : "Now at";
        return $"{came} {target.Now}; vCPU {target.State.Runner} runs next.\n"
            + "gdb does not know it yet. Type: maintenance flush register-cache, maintenance flush dcache, frame.\n";
    }
}
