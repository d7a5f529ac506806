// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Models;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Kvm.Tests;

/// <summary>The look-up against the real KVM: a table is set, a guest in real mode executes CPUID, the answers must be
/// the same. Where /dev/kvm is not usable, each test says why and does nothing.</summary>
/// <remarks>Left out are leaves 1, 7 and 0xD, of which KVM changes bits beyond what the vCPU's state says, and leaves
/// that KVM_GET_CPUID2 does not return as KVM_SET_CPUID2 set them: some kernels clear AMX (0x1D, 0x1E).</remarks>
public sealed class KvmOracleTests(ITestOutputHelper output)
{
    private const int QuestionsMax = 512;

    private static readonly string[] s_recordedModels = ["x86-64-v2", "intel-skylake-sp", "amd-genoa"];
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    [Fact]
    public void Every_model_answers_as_in_a_guest_of_the_real_kvm()
    {
        if (OpenOrSay() is not { } device)
        {
            return;
        }

        using (device)
        {
            foreach (CpuidModel model in CpuidModels.All)
            {
                // Dynamic state (AMX) needs a permission that this process does not ask for.
                CpuidTable table = WithoutDynamicState(model.Table);
                Assert.Equal(0, Compare(device, table, Edges(table), model.Name));
            }
        }
    }

    [Fact]
    public void Random_tables_answer_as_in_a_guest_of_the_real_kvm()
    {
        if (OpenOrSay() is not { } device)
        {
            return;
        }

        int seed = int.TryParse(
            Environment.GetEnvironmentVariable("KVMACTORS_SEED"), CultureInfo.InvariantCulture, out int given)
            ? given
            : Environment.TickCount;
        output.WriteLine($"KVMACTORS_SEED={seed}");
        Random random = new(seed);
        using (device)
        {
            for (int round = 0; round < 30; round++)
            {
                CpuidTable table = RandomTable(random);
                IEnumerable<(uint, uint)> questions = Edges(table).Concat(Chance(random));
                Assert.Equal(0, Compare(device, table, questions, $"table {round} of seed {seed}"));
            }
        }
    }

    /// <summary>With KVMACTORS_KVM_RECORD=FILE the answers of this machine's KVM are written there first.</summary>
    [Fact]
    public void Recorded_answers_of_a_real_kvm_are_ours_on_every_machine()
    {
        string file = Path.Combine(AppContext.BaseDirectory, KvmRecording.FileName);
        if (Environment.GetEnvironmentVariable("KVMACTORS_KVM_RECORD") is { Length: > 0 } target)
        {
            file = target;
            File.WriteAllLines(file, Record());
        }

        KvmRecording[] recorded = [.. KvmRecording.Read(File.ReadAllLines(file))];

        Assert.True(recorded.Sum(table => table.Answers.Count) > 1_000, $"{recorded.Length} tables");
        foreach (KvmRecording table in recorded)
        {
            Assert.All(table.Answers, question => Assert.Equal(
                question.Answer, table.Table.Query(question.Leaf, question.Subleaf, CpuidRuntime.Reset)));
        }
    }

    [Fact]
    public void The_supported_table_is_taken_whole_and_returned_but_for_the_vcpus_own_bits()
    {
        if (OpenOrSay() is not { } device)
        {
            return;
        }

        using (device)
        {
            using KvmGuest guest = new(device);
            CpuidTable supported = WithoutDynamicState(device.GetSupportedCpuid());
            guest.SetCpuid(supported);

            CpuidTable returned = guest.GetCpuid();
            uint[] changed = [.. Changed(supported, returned)];
            output.WriteLine($"Changed: {string.Join(", ", changed.Select(leaf => $"0x{leaf:x}"))}");

            Assert.All(changed, leaf => Assert.True(IsLeftOut(leaf) || leaf is 0x1D or 0x1E, $"0x{leaf:x}"));
        }
    }

    [Fact]
    public void A_guest_that_loops_is_broken_off()
    {
        if (OpenOrSay() is not { } device)
        {
            return;
        }

        using (device)
        {
            using KvmGuest guest = new(device);
            guest.SetCpuid(CpuidTable.Empty);
            byte[] memory = KvmCpuidProgram.Memory([(0, 0)]);
            memory[KvmCpuidProgram.CodeAddress] = 0xEB; // here: jmp here
            memory[KvmCpuidProgram.CodeAddress + 1] = 0xFE;

            KvmFault fault = Assert.Throws<KvmFault>(() => guest.Run(memory, 1, TimeSpan.FromMilliseconds(200)));

            Assert.StartsWith(
                "Expected the guest to halt within 0.2 s, found it running.", fault.Message, StringComparison.Ordinal);
            Assert.Equal(default, guest.Execute([(0, 0)], s_limit)[0]);
        }
    }

    private static List<string> Record()
    {
        const int RandomTables = 8;
        Random random = new(20261122);
        using var device = KvmDevice.Open();
        List<string> lines =
        [
            "# What guests in real mode read with CPUID under a real KVM. KvmRecording has the form, and",
            $"# KvmOracleTests how it was recorded: on {Environment.OSVersion.VersionString}, "
            + $"host {HostCpuid.Read().Vendor}.",
        ];
        IEnumerable<(string Name, CpuidTable Table)> tables =
            s_recordedModels
                .Select(name => (name, WithoutDynamicState(CpuidModels.Find(name)!.Table)))
                .Concat(Enumerable.Range(0, RandomTables).Select(i => ($"random-{i}", RandomTable(random))));
        foreach ((string name, CpuidTable table) in tables)
        {
            using KvmGuest guest = new(device);
            guest.SetCpuid(table);
            (uint Leaf, uint Subleaf)[] questions = [.. Questions(table, guest.GetCpuid(), Edges(table))];
            IReadOnlyList<CpuidRegisters> answers = guest.Execute(questions, s_limit);
            lines.AddRange(new KvmRecording(
                name, table, [.. questions.Zip(answers, (asked, got) => (asked.Leaf, asked.Subleaf, got))]).Lines());
        }

        return lines;
    }

    private static IEnumerable<(uint Leaf, uint Subleaf)> Questions(
        CpuidTable table, CpuidTable returned, IEnumerable<(uint Leaf, uint Subleaf)> candidates)
    {
        HashSet<uint> leftOut = [1, 7, 0xD, .. Changed(table, returned)];
        uint highest = table.FirstOfLeaf(0)?.Eax ?? 0;
        return candidates
            .Where(question => !leftOut.Contains(question.Leaf))
            .Where(question => !leftOut.Contains(highest)
                || table.Find(question.Leaf, question.Subleaf) is not null)
            .Distinct()
            .Take(QuestionsMax);
    }

    private KvmDevice? OpenOrSay()
    {
        if (KvmDevice.WhyUnusable() is { } reason)
        {
            output.WriteLine($"Skipped: {reason}");
            return null;
        }

        return KvmDevice.Open();
    }

    private int Compare(
        KvmDevice device, CpuidTable table, IEnumerable<(uint Leaf, uint Subleaf)> candidates, string name)
    {
        using KvmGuest guest = new(device);
        guest.SetCpuid(table);
        (uint Leaf, uint Subleaf)[] questions = [.. Questions(table, guest.GetCpuid(), candidates)];
        IReadOnlyList<CpuidRegisters> answers = guest.Execute(questions, s_limit);
        int differences = 0;
        for (int i = 0; i < questions.Length; i++)
        {
            (uint leaf, uint subleaf) = questions[i];
            CpuidRegisters ours = table.Query(leaf, subleaf, CpuidRuntime.Reset);
            if (ours != answers[i])
            {
                differences++;
                output.WriteLine($"{name}: 0x{leaf:x8} 0x{subleaf:x}: KVM {answers[i]}, ours {ours}");
            }
        }

        output.WriteLine($"{name}: {questions.Length} questions, {differences} differences");
        return differences;
    }

    /// <summary>Each entry, its neighbours, and leaves beyond every class.</summary>
    private static IEnumerable<(uint Leaf, uint Subleaf)> Edges(CpuidTable table)
    {
        uint highest = table.FirstOfLeaf(0)?.Eax ?? 0;
        uint[] beyond =
        [
            highest + 1, 0x3FFF_FFFF, 0x4000_0000, 0x4000_0010, 0x4000_0100, 0x4FFF_FFFF, 0x5000_0000, 0x7FFF_FFFF,
            0x8000_0000, 0x8000_1000, 0xBFFF_FFFF, 0xC000_0000, 0xC000_0005, 0xFFFF_FFFF,
        ];
        return table.Entries
            .SelectMany(entry => new (uint Leaf, uint Subleaf)[]
            {
                (entry.Leaf, entry.Subleaf), (entry.Leaf, entry.Subleaf + 1), (entry.Leaf + 1, entry.Subleaf),
                (entry.Leaf, 0x1_2345),
            })
            .Concat(beyond.SelectMany(leaf => new (uint Leaf, uint Subleaf)[] { (leaf, 0), (leaf, 1), (leaf, 7) }));
    }

    private static IEnumerable<(uint Leaf, uint Subleaf)> Chance(Random random) =>
        Enumerable.Range(0, 100)
            .Select(_ => ((uint)random.NextInt64(1L << 32), (uint)random.Next(4)));

    private static bool IsLeftOut(uint leaf) => leaf is 1 or 7 or 0xD;

    private static IEnumerable<uint> Changed(CpuidTable set, CpuidTable returned) =>
        set.Entries.Except(returned.Entries).Select(entry => entry.Leaf).Distinct();

    private static CpuidTable RandomTable(Random random)
    {
        uint[] classes = [0, 0, 0, 0x4000_0000, 0x8000_0000, 0xC000_0000];
        uint[][] vendors =
        [
            [0x756E_6547, 0x6C65_746E, 0x4965_6E69],
            [0x6874_7541, 0x444D_4163, 0x6974_6E65],
            [0x6F67_7948, 0x656E_6975, 0x6E65_476E],
            [1, 2, 3],
        ];
        uint[] vendor = vendors[random.Next(vendors.Length)];
        uint highest = new uint[] { 2, 0xB, 0x14, 0x1F }[random.Next(4)];
        List<CpuidEntry> entries = [new(0, 0, CpuidEntryFlags.None, highest, vendor[0], vendor[1], vendor[2])];
        for (int i = random.Next(60); i > 0; i--)
        {
            uint leaf = classes[random.Next(classes.Length)] + (uint)random.Next(0x22);
            if (!IsLeftOut(leaf) && leaf is not (0 or 0x8000_0008))
            {
                bool isIndexed = random.Next(2) == 0;
                uint first = (leaf & 0x00FF_FFFF) == 0 ? leaf + (uint)random.Next(0x20) : (uint)random.Next();
                entries.Add(new CpuidEntry(
                    leaf,
                    (uint)random.Next(4),
                    isIndexed ? CpuidEntryFlags.SignificantIndex : CpuidEntryFlags.None,
                    first,
                    (uint)random.Next(),
                    (uint)random.Next(),
                    (uint)random.Next()));
            }
        }

        return CpuidTable.Of(entries);
    }

    /// <summary>XTILEDATA, component 18 of leaf 0DH: KVM answers EPERM to a process without permission.</summary>
    private static CpuidTable WithoutDynamicState(CpuidTable table) => CpuidTable.Of(table.Entries.Select(entry =>
        entry is { Leaf: 0xD, Subleaf: 0 } ? entry with { Eax = entry.Eax & ~(1u << 18) } : entry));
}
