// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using KvmActors.Machine;
using KvmActors.Machine.Time;
using KvmActors.Persistence.Files;

namespace KvmActors.Persistence.Tests.Files;

public class SavedVmFileTests
{
    private static readonly byte[] s_file = SavedVmSample.File();

    private static string GoldenPath => Path.Combine(AppContext.BaseDirectory, "Files", "golden-letters.kvm");

    [Fact]
    public async Task A_vm_comes_back_as_it_was_and_runs_on_as_it_would_have()
    {
        using VirtualMachine before = SavedVmSample.Machine(out byte[] console);

        SavedVmSample.ReadBack read = await SavedVmSample.ReadAsync(new MemoryStream(s_file));
        SavedVm saved = read.Saved;
        using VirtualMachine after = read.Restore();

        Assert.Equal(DeepText.Of(SavedVmSample.Of(before, console)), DeepText.Of(saved));
        Assert.Equal((saved.State, saved.Memory), (after.HashState(), after.SumMemory()));
        Assert.Equal(SHA256.HashData(s_file.AsSpan(..^100)), read.Checksum.ToArray());
        SliceLimits limits = new(5_000, static () => false);
        Assert.Equal(before.RunSlice(limits).Console.ToArray(), after.RunSlice(limits).Console.ToArray());
        Assert.Equal((before.HashState(), before.SumMemory()), (after.HashState(), after.SumMemory()));
    }

    [Fact]
    public async Task The_file_of_this_version_stays_readable()
    {
        // If this fails, files that people keep may not read: add a version, and do not make this file anew.
        await using FileStream golden = File.OpenRead(GoldenPath);

        SavedVmSample.ReadBack read = await SavedVmSample.ReadAsync(golden);
        SavedVm saved = read.Saved;
        using VirtualMachine machine = read.Restore();

        Assert.Equal("letters", saved.Vm.Value);
        Assert.Equal((50ul, 50ul), (saved.Machine.VmTime, saved.InstructionsRetired));
        Assert.StartsWith("ABCDEFGHIJKLMNOP", Encoding.ASCII.GetString(saved.Console.Span), StringComparison.Ordinal);
        Assert.Equal(saved.Memory, machine.SumMemory());
        Assert.Equal(saved.State, machine.HashState());
        Assert.Equal("77edf59c11614234", read.Checksum.Hex[..16]);
    }

    [Fact]
    public async Task A_content_stands_once_in_the_file()
    {
        using SavedVmReader reader = await SavedVmReader.OpenAsync(new MemoryStream(s_file), default);
        List<SavedPage> pages = [];
        await foreach (IReadOnlyList<SavedPage> piece in reader.ReadPagesAsync(default))
        {
            pages.AddRange(piece);
        }

        Assert.Equal(0xC, pages.Single(page => page.PageNumber == 0xE).SameAs);
        Assert.All(pages.Where(page => page.SameAs is null), page => Assert.Equal(4096, page.Bytes.Length));
    }

    [Fact]
    public async Task A_byte_that_is_changed_anywhere_is_refused_with_its_place()
    {
        for (int at = 0; at < s_file.Length; at++)
        {
            foreach (byte change in (byte[])[0xFF, (byte)(1 << (at % 8))])
            {
                byte[] changed = [.. s_file];
                changed[at] ^= change;

                SavedVmException? fault = await FaultOfAsync(changed);

                Assert.True(fault is not null, $"byte {at} ^ {change:x2} was not noticed");
                Assert.True(at < 8 || fault.Message.Contains(" at byte ", StringComparison.Ordinal), fault.Message);
                Assert.True(at < 8 || PlaceIn(fault.Message) <= at, $"byte {at}: {fault.Message}");
            }
        }
    }

    [Fact]
    public async Task A_file_that_ends_early_anywhere_is_refused_with_its_place()
    {
        for (int length = 0; length < s_file.Length; length++)
        {
            SavedVmException? fault = await FaultOfAsync(s_file[..length]);

            Assert.True(fault is not null, $"{length} bytes were taken for a whole file");
            Assert.Contains("found the end of the file", fault.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_file_with_more_behind_its_end_is_refused()
    {
        SavedVmException? fault = await FaultOfAsync([.. s_file, 0]);

        Assert.Contains("found more bytes", fault!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("LICENSE of something else", "Expected a saved VM, which begins with 894b564d0d0a1a0a")]
    [InlineData("", "expected 16 more bytes of the header")]
    public async Task What_is_no_saved_vm_is_refused(string text, string expected)
    {
        SavedVmException? fault = await FaultOfAsync(Encoding.ASCII.GetBytes(text));

        Assert.Contains(expected, fault!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_newer_version_is_refused_and_named()
    {
        byte[] newer = [.. s_file];
        newer[8] = 2;
        SavedVmLayout.Check(newer).CopyTo(newer, 12);

        SavedVmException? fault = await FaultOfAsync(newer);

        Assert.Contains("found version 2", fault!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sections_that_are_left_out_or_change_places_are_refused()
    {
        List<byte[]> sections = Sections(s_file);
        for (int i = 0; i < sections.Count; i++)
        {
            Assert.NotNull(await FaultOfAsync(
                [.. s_file[..16], .. sections.Where((_, at) => at != i).SelectMany(bytes => bytes)]));
            byte[][] swapped = [.. sections];
            (swapped[i], swapped[(i + 1) % swapped.Length]) = (swapped[(i + 1) % swapped.Length], swapped[i]);
            Assert.NotNull(await FaultOfAsync([.. s_file[..16], .. swapped.SelectMany(bytes => bytes)]));
        }
    }

    [Fact]
    public async Task No_garbage_with_checksums_that_fit_is_met_with_another_exception()
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("KVMACTORS_SEED"), out int given) ? given : 20261122;
        var random = new Random(seed);
        List<byte[]> sections = Sections(s_file);
        for (int i = 0; i < 2_000; i++)
        {
            byte[][] changed = [.. sections.Select(section => (byte[])[.. section])];
            byte[] one = changed[random.Next(changed.Length)];
            for (int bytes = random.Next(1, 4); bytes > 0; bytes--)
            {
                int at = random.Next(one.Length - 32);
                one[at is >= 12 and < 16 ? 16 % (one.Length - 32) : at] = (byte)random.Next(256);
            }

            SavedVmLayout.Check(one).CopyTo(one, 12);
            SavedVmLayout.Seal(one);
            Exception? fault = await Record.ExceptionAsync(
                () => SavedVmSample.ReadAsync(new MemoryStream([.. s_file[..16], .. changed.SelectMany(b => b)])));

            Assert.True(fault is null or SavedVmException, $"KVMACTORS_SEED={seed}, case {i}: {fault}");
        }
    }

    [Fact]
    public async Task No_state_that_a_stranger_wrote_throws_out_of_the_machine()
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("KVMACTORS_SEED"), out int given) ? given : 20261124;
        var random = new Random(seed);
        List<byte[]> sections = Sections(s_file);
        int restored = 0;
        for (int i = 0; i < 1_000; i++)
        {
            byte[] state = [.. sections[1]];
            for (int bytes = random.Next(1, 4); bytes > 0; bytes--)
            {
                state[random.Next(24, state.Length - 32)] = (byte)random.Next(256);
            }

            SavedVmLayout.Seal(state);
            byte[] file = [.. s_file[..16], .. sections[0], .. state, .. sections.Skip(2).SelectMany(b => b)];
            using SavedVmReader? reader = await OpenOrNullAsync(file);
            if (reader is null)
            {
                continue;
            }

            Exception? fault = Record.Exception(() =>
            {
                using var machine = VirtualMachine.Restore(reader.Saved.Created.Spec, reader.Saved.Machine, []);
                machine.RunSlice(new SliceLimits(machine.VmTime + 2_000, static () => false));
            });
            restored++;
            Assert.True(fault is null or ArgumentException, $"KVMACTORS_SEED={seed}, case {i}: {fault}");
        }

        Assert.NotEqual(0, restored);
    }

    [Fact]
    public async Task Reading_takes_no_memory_for_what_was_read()
    {
        const int Pages = 16_000;
        using VirtualMachine machine = SavedVmSample.Machine(out byte[] console);
        SavedVm saved = SavedVmSample.Of(machine, console) with { PageCount = Pages };
        saved = saved with
        {
            Created = saved.Created with { Spec = saved.Created.Spec with { MemoryBytes = 128 << 20 } },
        };
        using SavedVmReader reader = await SavedVmReader.OpenAsync(new GeneratedFile(saved), default);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        // Other tests run beside this one and hold what they need for a while: the least of the last third counts,
        // where a reader that kept what it has read would hold more than 40 MiB at any time.
        long least = long.MaxValue;
        int pages = 0;
        await foreach (IReadOnlyList<SavedPage> piece in reader.ReadPagesAsync(default))
        {
            pages += piece.Count;
            bool isLooked = pages >= Pages / 3 * 2 && pages % (2 * 256) == 0;
            least = isLooked ? Math.Min(least, GC.GetTotalMemory(forceFullCollection: true)) : least;
        }

        Assert.Equal(Pages, pages);
        Assert.True(reader.BytesRead > 60 << 20, $"{reader.BytesRead}");
        Assert.True(least != long.MaxValue, "Memory was never looked at.");
        Assert.True(least - before < 32 << 20, $"{least - before} bytes are held while {reader.BytesRead} were read");
    }

    private static List<byte[]> Sections(byte[] file)
    {
        List<byte[]> sections = [];
        for (int at = 16; at < file.Length; at += sections[^1].Length)
        {
            sections.Add(file[at..(at + 48 + BitConverter.ToInt32(file, at + 8))]);
        }

        return sections;
    }

    private static async Task<SavedVmReader?> OpenOrNullAsync(byte[] file)
    {
        try
        {
            return await SavedVmReader.OpenAsync(new MemoryStream(file), default);
        }
        catch (SavedVmException)
        {
            return null;
        }
    }

    private static long PlaceIn(string message)
    {
        string digits = message[(message.IndexOf(" at byte ", StringComparison.Ordinal) + 9)..];
        return long.Parse(
            string.Concat(digits.TakeWhile(char.IsAsciiDigit)), NumberStyles.None, CultureInfo.InvariantCulture);
    }

    private static async Task<SavedVmException?> FaultOfAsync(byte[] file)
    {
        Exception? fault = await Record.ExceptionAsync(() => SavedVmSample.ReadAsync(new MemoryStream(file)));
        return fault is null ? null : Assert.IsType<SavedVmException>(fault);
    }
}
