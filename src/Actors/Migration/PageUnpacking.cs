// SPDX-License-Identifier: Apache-2.0

using System.Collections.Immutable;
using System.IO.Compression;
using KvmActors.Actors.Vm;

namespace KvmActors.Actors.Migration;

/// <summary>Puts pages that came over the link into a guest to come. Whatever the bytes promise, no page expands to
/// more than it is.</summary>
public static class PageUnpacking
{
    /// <returns>Null, or what is wrong with the first page that is none; those before it are in the guest.</returns>
    public static Refusal? Put(ImmutableArray<MovedPage> pages, IIncomingGuest guest)
    {
        ArgumentNullException.ThrowIfNull(guest);
        foreach (MovedPage page in pages)
        {
            try
            {
                if (!TryPut(page, guest))
                {
                    return Wrong(
                        $"page {page.PageNumber} to be {CapturedPage.SizeBytes} bytes",
                        $"{page.Bytes.Length} bytes of form {page.Form} that are not");
                }
            }
            catch (ArgumentException fault)
            {
                return Wrong("pages that the guest has", fault.Message);
            }
        }

        return null;
    }

    private static bool TryPut(MovedPage page, IIncomingGuest guest)
    {
        if (page.PageNumber < 0 || page.PageNumber >= guest.PageCount
            || page.SameAs < 0 || page.SameAs >= guest.PageCount)
        {
            throw new ArgumentOutOfRangeException(nameof(page), $"page {page.PageNumber}, as {page.SameAs}");
        }

        switch (page.Form)
        {
            case PageForm.Raw when page.Bytes.Length is 0 or CapturedPage.SizeBytes:
                guest.Put(new CapturedPage(page.PageNumber, page.Bytes));
                return true;
            case PageForm.Brotli when Expand(page.Bytes.Span) is { } bytes:
                guest.Put(new CapturedPage(page.PageNumber, bytes));
                return true;
            case PageForm.SameAs:
                guest.PutSame(page.PageNumber, page.SameAs);
                return true;
            default:
                return false;
        }
    }

    /// <returns>Null where the bytes are no Brotli, or expand to anything but a page.</returns>
    private static byte[]? Expand(ReadOnlySpan<byte> packed)
    {
        byte[] page = new byte[CapturedPage.SizeBytes];
        return BrotliDecoder.TryDecompress(packed, page, out int length) && length == page.Length ? page : null;
    }

    private static Refusal Wrong(string expected, string found) => new(
        RefusalKind.Invalid, expected, found, "Report it with both nodes' versions.");
}
