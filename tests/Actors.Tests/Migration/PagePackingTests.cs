// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.IO.Compression;
using KvmActors.Actors.Migration;
using KvmActors.Actors.Vm;
using KvmActors.Machine;
using KvmActors.TestKit;
using Xunit;

namespace KvmActors.Actors.Tests.Migration;

public sealed class PagePackingTests
{
    private const int Pages = 64;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Whatever_is_packed_in_whatever_order_the_target_has_what_the_source_has(ulong seed)
    {
        SeededRandom random = new(seed);
        byte[][] kinds = [.. Enumerable.Range(0, 6).Select(kind => Page(random, kind))];
        PagePacking packing = new();
        ArrivedPages target = new();
        Dictionary<int, byte[]> source = [];
        for (int batch = 0; batch < 200; batch++)
        {
            ImmutableArray<CapturedPage> pages =
            [
                .. Enumerable.Range(0, random.Next(12) + 1).Select(_ => new CapturedPage(
                    random.Next(Pages), random.Next(5) == 0 ? default : kinds[random.Next(kinds.Length)])),
            ];
            foreach (CapturedPage page in pages)
            {
                source[page.PageNumber] = page.IsZero ? new byte[CapturedPage.SizeBytes] : page.Bytes.ToArray();
            }

            Assert.Null(PageUnpacking.Put(packing.Pack(pages, compresses: random.Next(3) > 0), target));
        }

        Assert.All(source, page => Assert.Equal(page.Value, target.All[page.Key]));
    }

    [Fact]
    public void Zeros_and_equal_pages_are_numbers_and_noise_goes_as_it_is()
    {
        SeededRandom random = new(9);
        byte[] text = Page(random, kind: 0);
        byte[] noise = Page(random, kind: 1);

        ImmutableArray<MovedPage> packed = new PagePacking().Pack(
            [
                new CapturedPage(1, default),
                new CapturedPage(2, text),
                new CapturedPage(3, text.ToArray()),
                new CapturedPage(4, noise),
            ],
            compresses: true);

        Assert.Equal(
            [PageForm.Raw, PageForm.Brotli, PageForm.SameAs, PageForm.Raw], packed.Select(page => page.Form));
        Assert.Equal((0, 2, 0), (packed[0].Bytes.Length, packed[2].SameAs, packed[2].Bytes.Length));
        Assert.InRange(packed[1].Bytes.Length, 1, 100);
        Assert.Equal(4096, packed[3].Bytes.Length);
    }

    [Theory]
    [InlineData(4095)]
    [InlineData(4097)]
    [InlineData(8 << 20)]
    public void A_packed_page_that_expands_to_anything_but_a_page_is_refused(int length)
    {
        byte[] packed = new byte[length + 100];
        Assert.True(BrotliEncoder.TryCompress(new byte[length], packed, out int written));

        AssertRefused(new MovedPage(3, PageForm.Brotli, packed.AsMemory(0, written), SameAs: 0));
    }

    [Fact]
    public void What_is_no_page_is_refused()
    {
        AssertRefused(new MovedPage(3, PageForm.Brotli, new byte[] { 1, 2, 3 }, SameAs: 0));
        AssertRefused(new MovedPage(3, PageForm.Raw, new byte[100], SameAs: 0));
        AssertRefused(new MovedPage(3, (PageForm)77, new byte[4096], SameAs: 0));
        AssertRefused(new MovedPage(Pages, PageForm.Raw, default, SameAs: 0));
        AssertRefused(new MovedPage(-1, PageForm.Raw, default, SameAs: 0));
        AssertRefused(new MovedPage(3, PageForm.SameAs, default, SameAs: Pages));
    }

    [Theory]
    [InlineData(PageCompression.Never, 0, 1, false)]
    [InlineData(PageCompression.Always, 0, 1_000_000, true)]
    [InlineData(PageCompression.Auto, 0, 100, true)]
    [InlineData(PageCompression.Auto, 0, 3_000, false)]
    [InlineData(PageCompression.Auto, 100_000_000, 3_000, true)]
    public void Packing_goes_on_while_it_takes_less_than_it_saves(
        PageCompression compression, ulong limit, int packMicroseconds, bool pays)
    {
        // A megabyte takes a millisecond on the link, and packed half of it.
        PackingPolicy policy = PackingPolicy.Of(compression, limit)
            .Packed(256, 128 * 4096, TimeSpan.FromMicroseconds(packMicroseconds))
            .Sent(1 << 20, TimeSpan.FromMilliseconds(1));

        Assert.Equal(pays, policy.Pays);
    }

    private static void AssertRefused(MovedPage page) =>
        Assert.Equal(RefusalKind.Invalid, PageUnpacking.Put([page], new ArrivedPages())?.Kind);

    private static byte[] Page(SeededRandom random, int kind)
    {
        byte[] page = new byte[CapturedPage.SizeBytes];
        for (int at = 0; at < page.Length; at++)
        {
            page[at] = (byte)(kind % 2 == 0 ? kind + 1 : random.Next(256));
        }

        return page;
    }

    private sealed class ArrivedPages : IIncomingGuest
    {
        private static readonly byte[] s_zeros = new byte[CapturedPage.SizeBytes];

        public Dictionary<int, byte[]> All { get; } = [];

        public int PageCount => Pages;

        public void Put(CapturedPage page) => All[page.PageNumber] = page.IsZero ? s_zeros : page.Bytes.ToArray();

        public void PutSame(int pageNumber, int otherPage) => All[pageNumber] = All[otherPage];

        public void Prepare()
        {
        }

        public IGuest Complete(MachineState state) => throw new InvalidOperationException("No guest is made of these.");

        public void Dispose()
        {
        }
    }
}
