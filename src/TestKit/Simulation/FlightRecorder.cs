// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Text;

namespace KvmActors.TestKit.Simulation;

/// <summary>Remembers the last events of every node (calls to the store and to peers at each stage, and what the node
/// reported), and writes them into one file when a run fails.</summary>
/// <remarks>Events are kept as they are and turned into text only then.</remarks>
public sealed class FlightRecorder(SimulatedWorld world)
{
    /// <summary>Events kept of each node.</summary>
    public const int EventsMax = 500;

    private const int ShownMax = 6;

    private readonly SortedDictionary<string, Queue<Entry>> _nodes = new(StringComparer.Ordinal);

    private readonly record struct Entry(TimeSpan At, long Step, object What)
    {
        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture, $"{At.TotalSeconds,12:f6} s  step {Step,8}  {What}");
    }

    public void Add(string node, object what)
    {
        if (!_nodes.TryGetValue(node, out Queue<Entry>? events))
        {
            _nodes[node] = events = new Queue<Entry>(EventsMax);
        }

        if (events.Count == EventsMax)
        {
            events.Dequeue();
        }

        events.Enqueue(new Entry(world.Time.Elapsed, world.Scheduler.Steps, what));
    }

    /// <summary>Writes all that is remembered into a file of the folder for temporary files.</summary>
    /// <returns>Where it is, and the last events of each node.</returns>
    public string Write(string what)
    {
        string folder = Path.Combine(Path.GetTempPath(), "kvmactors-flight");
        Directory.CreateDirectory(folder);
        string path = Path.Combine(folder, $"seed-{world.Seed}.txt");
        StringBuilder file = new($"{what}{Environment.NewLine}");
        StringBuilder shown = new($"Flight recorder: {path}{Environment.NewLine}");
        foreach ((string node, Queue<Entry> events) in _nodes)
        {
            file.AppendLine().AppendLine(node);
            foreach (Entry entry in events)
            {
                file.AppendLine(CultureInfo.InvariantCulture, $"  {entry}");
            }

            shown.AppendLine(node);
            foreach (Entry entry in events.Skip(events.Count - ShownMax))
            {
                shown.AppendLine(CultureInfo.InvariantCulture, $"  {entry}");
            }
        }

        File.WriteAllText(path, file.ToString());
        return shown.ToString();
    }
}
