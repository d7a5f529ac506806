// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Benchmarks.Cpuid;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Fleet;
using KvmActors.Cpu.Cpuid.Formats;
using KvmActors.Cpu.Cpuid.Names;

const int Lookups = 1_000_000;
const int FleetHosts = 1_000;

CpuidTable xeon = CpuidText.Read(File.ReadAllText(
    Path.Combine(AppContext.BaseDirectory, "cpuid", "intel-xeon-platinum-9242.txt")));

void Print(string name, double nanoseconds) => Console.WriteLine(string.Create(
    CultureInfo.InvariantCulture, $"{name,-44} {nanoseconds,16:n1} ns"));

CpuidTable small = TableOf(40);
CpuidTable large = TableOf(256);
double smallHit = LookUp(small, leafOffset: 0);
double largeHit = LookUp(large, leafOffset: 0);
double smallMiss = LookUp(small, leafOffset: 0x100_0000);
double largeMiss = LookUp(large, leafOffset: 0x100_0000);
Print("look-up, hit, 40 entries", smallHit);
Print("look-up, hit, 256 entries", largeHit);
Print("look-up, miss, 40 entries", smallMiss);
Print("look-up, miss, 256 entries", largeMiss);
Console.WriteLine(string.Create(
    CultureInfo.InvariantCulture,
    $"256 to 40 entries: hit {largeHit / smallHit:f2}, miss {largeMiss / smallMiss:f2}"));

CpuidTable[] fleet = [.. Enumerable.Range(0, FleetHosts).Select(HostOf)];
CpuidHost[] hosts = [.. fleet.Select((table, i) => new CpuidHost($"host-{i}", table))];
CpuidTable baseline = CpuidBaseline.Of(fleet[0], fleet[1..]);
Print("comparison of two hosts", Measure.Nanoseconds(1, () => CpuidComparison.Of(fleet[0], fleet[1])));
Print("baseline of 1,000 hosts", Measure.Nanoseconds(1, () => CpuidBaseline.Of(fleet[0], fleet[1..])));
Print("its explanation", Measure.Nanoseconds(1, () => CpuidBaselineExplanation.Of(hosts, baseline)));
Print("decoding a table", Measure.Nanoseconds(1, () => CpuidDecoder.Decode(xeon)));

// A host of a fleet: the Xeon, of which now and then one lacks something.
CpuidTable HostOf(int number) => CpuidTable.Of(xeon.Entries.Select(entry => entry.Leaf switch
{
    1 => entry with { Ebx = (uint)number << 24 },
    7 when entry.Subleaf == 0 => entry with { Ebx = entry.Ebx & ~(number % 97 == 5 ? 1u << (number % 32) : 0) },
    _ => entry,
}));

static CpuidTable TableOf(int entries) => CpuidTable.Of(Enumerable.Range(0, entries).Select(number =>
    new CpuidEntry(
        (uint)(number / 4), (uint)(number % 4), CpuidEntryFlags.SignificantIndex, (uint)entries, 1, 2, 3)));

static double LookUp(CpuidTable table, uint leafOffset)
{
    CpuidEntry[] asked = [.. table.Entries];
    uint sum = 0;
    double nanoseconds = Measure.Nanoseconds(Lookups, () =>
    {
        int next = 0;
        for (int i = 0; i < Lookups; i++)
        {
            ref readonly CpuidEntry entry = ref asked[next];
            sum += table.Find(entry.Leaf + leafOffset, entry.Subleaf)?.Eax ?? 1;
            next = next + 7 < asked.Length ? next + 7 : next + 7 - asked.Length;
        }
    });
    GC.KeepAlive(sum);
    return nanoseconds;
}
