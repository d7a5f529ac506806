// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.Runtime.InteropServices;
using KvmActors.Actors.Replay;
using KvmActors.Cpu.Debugging;
using KvmActors.Cpu.State;
using KvmActors.Machine;

namespace KvmActors.Host.Journal.Trace;

/// <summary>Counts what a traced guest did.</summary>
internal sealed class TraceCounter(int vcpuCount) : ITraceSink
{
    private const int HottestMax = 10;

    private readonly Disassembler _disassembler = new();
    private readonly Dictionary<ulong, Site> _sites = [];
    private readonly List<Site> _replaced = [];
    private readonly ulong[] _byVcpu = new ulong[vcpuCount];
    private readonly Dictionary<string, ulong> _deliveries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ulong> _events = new(StringComparer.Ordinal);
    private ulong _costless;
    private ulong _consoleBytes;

    public void Event(ReplayEvent next) =>
        CollectionsMarshal.GetValueRefOrAddDefault(_events, next.Event.GetType().Name, out _)++;

    public void Step(GuestTracer tracer)
    {
        SteppedVcpu stepped = tracer.Stepped;
        _consoleBytes += (ulong)stepped.Console.Length;
        if (!stepped.HasRetired)
        {
            _costless++;
            if (stepped.Delivery is { } delivery)
            {
                CollectionsMarshal.GetValueRefOrAddDefault(_deliveries, delivery.Name, out _)++;
            }

            return;
        }

        _byVcpu[stepped.Index]++;
        ref Site? site = ref CollectionsMarshal.GetValueRefOrAddDefault(_sites, tracer.LinearRip.Value, out _)!;
        if (site is null || site.Mode != tracer.Mode || !tracer.Code.StartsWith(site.Code))
        {
            // Other code is there now, or another vCPU has other code there.
            if (site is not null)
            {
                _replaced.Add(site);
            }

            DisassembledInstruction read = _disassembler.Read(tracer.Code, tracer.Mode, tracer.Rip);
            site = new Site(tracer.LinearRip.Value, tracer.Mode, tracer.Code[..read.SizeBytes].ToArray(), read);
        }

        site.Count++;
    }

    public void Finish(Moment now, MachineEnd? end)
    {
    }

    public TraceCounts Counts(Moment from, Moment to)
    {
        ImmutableArray<Site> sites = [.. _sites.Values.Concat(_replaced)];
        ulong all = _byVcpu.Aggregate(0ul, (sum, each) => sum + each);
        return new TraceCounts(
            from.ToString(),
            to.ToString(),
            all,
            _costless,
            _consoleBytes,
            [.. _byVcpu.Select((count, index) => new TraceCount($"{index}", count))],
            Sorted(sites.GroupBy(site => site.Read.Mnemonic)
                .Select(group => new TraceCount(
                    group.Key, group.Aggregate(0ul, (sum, site) => sum + site.Count)))),
            Sorted(_deliveries.Select(pair => new TraceCount(pair.Key, pair.Value))),
            Sorted(_events.Select(pair => new TraceCount(pair.Key, pair.Value))),
            [
                .. sites.OrderByDescending(site => site.Count).ThenBy(site => site.Linear).Take(HottestMax)
                    .Select(site => new TraceHotSpot($"0x{site.Linear:x}", site.Count, site.Read.Text)),
            ]);
    }

    private static ImmutableArray<TraceCount> Sorted(IEnumerable<TraceCount> counts) =>
        [.. counts.OrderByDescending(each => each.Count).ThenBy(each => each.Name, StringComparer.Ordinal)];

    private sealed class Site(ulong linear, CpuMode mode, byte[] code, DisassembledInstruction read)
    {
        public ulong Linear { get; } = linear;

        public CpuMode Mode { get; } = mode;

        public byte[] Code { get; } = code;

        public DisassembledInstruction Read { get; } = read;

        public ulong Count { get; set; }
    }
}
