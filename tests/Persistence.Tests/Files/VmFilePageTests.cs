// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using System.Text.RegularExpressions;
using KvmActors.Persistence.Files;

namespace KvmActors.Persistence.Tests.Files;

/// <summary>docs/vm-file.md says what the code and the golden file say.</summary>
public partial class VmFilePageTests
{
    private static readonly string s_page =
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "vm-file.md"));

    [Fact]
    public void Its_dump_is_the_golden_file()
    {
        byte[] file = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Files", "golden-letters.kvm"));
        int compared = 0;
        foreach (Match line in DumpLine().Matches(s_page))
        {
            int at = int.Parse(line.Groups[1].Value, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            byte[] bytes = Convert.FromHexString(line.Groups[2].Value.Replace(" ", "", StringComparison.Ordinal));
            Assert.Equal(bytes, file[at..(at + bytes.Length)]);
            compared += bytes.Length;
        }

        Assert.Equal(319, compared);
    }

    [Fact]
    public void Its_bounds_are_those_of_the_code()
    {
        Assert.Contains($"at most {SavedVmLayout.PayloadBytesMax} ", s_page, StringComparison.Ordinal);
        Assert.Contains($"1 to {SavedVmLayout.PagesPerSection} pages", s_page, StringComparison.Ordinal);
        Assert.Contains($"at most {SavedVm.ConsoleBytesMax};", s_page, StringComparison.Ordinal);
        Assert.Contains($"version: {SavedVmLayout.Version} ", s_page, StringComparison.Ordinal);
    }

    [GeneratedRegex("^    ([0-9a-f]{4})  ((?:[0-9a-f]{2} ?)+)$", RegexOptions.Multiline)]
    private static partial Regex DumpLine();
}
