// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Text;

namespace KvmActors.Host.Debug;

/// <summary>gdb's remote protocol over one guest: a packet in, its answer out. Knows no socket.</summary>
/// <remarks>
/// <para>A packet that it does not know is answered with an empty one, and gdb then does without; one that does not
/// read, with an error. No packet changes the guest: what was recorded stays as it was.</para>
/// <para>Source: the manual "Debugging with GDB", appendix "Remote Protocol", section "Packets".</para>
/// </remarks>
internal sealed class GdbSession
{
    /// <summary>Bytes of memory in one answer: two digits each, and the packet's frame.</summary>
    private const int ReadBytesMax = (GdbFrameDecoder.PayloadBytesMax / 2) - 16;

    private const string CannotWrite =
        "what was recorded cannot be changed: the guest is looked at, not run. To try something else, make another VM";

    private readonly GdbView _view;
    private readonly GdbQueries _queries;
    private readonly BreakTable _breaks = new();
    private readonly Action<string> _notice;
    private DebugStop _lastStop;
    private int? _resumed;

    /// <param name="notice">Is given what the person at the server should read.</param>
    public GdbSession(IDebugTarget target, RegisterLayout layout, Action<string> notice)
    {
        _view = new GdbView(target, layout);
        _notice = notice;
        _lastStop = new DebugStop.Reached(_view.Vcpu);
        _queries = new GdbQueries(_view, new MonitorCommands(_view));
    }

    /// <summary>True once gdb has asked for it: from the packet behind that answer on.</summary>
    public bool IsWithoutAcknowledgement => _queries.IsWithoutAcknowledgement;

    /// <param name="payload">Any bytes.</param>
    /// <param name="interrupt">Stops the guest, where the packet lets it go on.</param>
    public async Task<GdbReply> AnswerAsync(ReadOnlyMemory<byte> payload, CancellationToken interrupt)
    {
        string packet = Encoding.Latin1.GetString(payload.Span);
        return packet switch
        {
            "?" => StopReply(),
            "g" => GdbReply.Of(HexText.Of(_view.Layout.ReadAll(_view.State))),
            ['p', .. string number] => ReadRegister(number),
            ['m', .. string range] => ReadMemory(range),
            ['G' or 'P', ..] => Refuse("Registers"),
            ['M' or 'X', ..] => Refuse("Memory"),
            ['H', char operation, .. string thread] => SelectThread(operation, thread),
            ['T', .. string thread] => IsAlive(thread),
            ['Z', .. string what] => SetBreak(what),
            ['z', .. string what] => RemoveBreak(what),
            "D" or ['D', ';', ..] or "vKill" or ['v', 'K', 'i', 'l', 'l', ';', ..] =>
                GdbReply.Ok with { EndsSession = true },
            "k" => new GdbReply([], EndsSession: true),
            "vCont?" => GdbReply.Of("vCont;c;C;s;S"),
            ['q' or 'Q', ..] => await _queries.AnswerAsync(packet, interrupt).ConfigureAwait(false),
            ['c' or 's' or 'C' or 'S', ..] or "bc" or "bs" or ['v', 'C', 'o', 'n', 't', ';', ..] =>
                await ResumeAsync(packet, interrupt).ConfigureAwait(false),
            _ => GdbReply.Unknown,
        };
    }

    private GdbReply StopReply() => GdbStopReply.Of(_lastStop, _view, _breaks, _queries.KnowsBreaks);

    private GdbReply ReadRegister(string digits) =>
        !HexText.TryParse(digits, out ulong number) ? GdbReply.Malformed
        : number >= (ulong)_view.Layout.Registers.Length
            ? GdbReply.Refused(string.Create(
                CultureInfo.InvariantCulture,
                $"Expected a register below {_view.Layout.Registers.Length}, found {number}"))
        : GdbReply.Of(HexText.Of(_view.Layout.Read(_view.State, (int)number)));

    private GdbReply ReadMemory(string range)
    {
        string[] parts = range.Split(',');
        if (parts.Length != 2
            || !HexText.TryParse(parts[0], out ulong start) || !HexText.TryParse(parts[1], out ulong size))
        {
            return GdbReply.Malformed;
        }

        byte[] bytes = new byte[Math.Min(size, ReadBytesMax)];
        int read = _view.ReadMemory(start, bytes);
        return read > 0 || size == 0 ? GdbReply.Of(HexText.Of(bytes.AsSpan(0, read))) : GdbReply.NoMemory;
    }

    private GdbReply Refuse(string what)
    {
        _notice($"gdb wanted to write. {what} of {CannotWrite}.");
        return GdbReply.Refused($"{what} of {CannotWrite}");
    }

    private GdbReply SelectThread(char operation, string thread)
    {
        if (operation is not ('g' or 'c') || !GdbThreads.TryParse(thread, _view.Target.VcpuCount, out int? vcpu))
        {
            return GdbReply.Malformed;
        }

        if (operation == 'g')
        {
            _view.Vcpu = vcpu ?? _view.Vcpu;
        }
        else
        {
            _resumed = vcpu;
        }

        return GdbReply.Ok;
    }

    private GdbReply IsAlive(string thread) =>
        GdbThreads.TryParse(thread, _view.Target.VcpuCount, out int? vcpu) && vcpu is not null
            ? GdbReply.Ok
            : GdbReply.Malformed;

    private GdbReply SetBreak(string what) => BreakRequest.Parse(what) is not { } request ? GdbReply.Malformed
        : _breaks.TryAdd(request) ? GdbReply.Ok
        : GdbReply.Refused(string.Create(
            CultureInfo.InvariantCulture,
            $"Expected at most {BreakTable.CountMax} breakpoints and {BreakTable.CountMax} watchpoints of 1 to "
            + $"{BreakTable.WatchedBytesMax} bytes, found more"));

    private GdbReply RemoveBreak(string what)
    {
        if (BreakRequest.Parse(what) is not { } request)
        {
            return GdbReply.Malformed;
        }

        _breaks.Remove(request);
        return GdbReply.Ok;
    }

    private async Task<GdbReply> ResumeAsync(string packet, CancellationToken interrupt)
    {
        if (GdbResume.Parse(packet, _resumed ?? _view.Vcpu, _view.Target.VcpuCount) is not { } resume)
        {
            return GdbReply.Refused("Expected c, s, bc, bs or vCont with threads that exist, and no other address");
        }

        DebugRun run = new(resume.IsReverse, resume.SteppedVcpu, _breaks.Wishes);
        _lastStop = await _view.Target.RunAsync(run, interrupt).ConfigureAwait(false);
        _view.Vcpu = _lastStop.Vcpu;
        return StopReply();
    }
}
