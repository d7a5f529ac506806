// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Memory;
using Xunit;

namespace KvmActors.Cpu.Tests.Memory;

/// <summary>What a flush clears: what was noted, or, by the caller, everything.</summary>
public sealed unsafe class FillLogTests
{
    private const int TagCount = 300;
    private const ulong Invalid = ulong.MaxValue;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(FillLog.Capacity)]
    [InlineData(FillLog.Capacity + 1)]
    [InlineData(TagCount)]
    public void It_clears_the_noted_tags_and_says_when_there_were_too_many(int filled)
    {
        FillLog log = default;
        ulong* tags = stackalloc ulong[TagCount];
        for (int index = 0; index < TagCount; index++)
        {
            tags[index] = (ulong)index;
        }

        for (int index = 0; index < filled; index++)
        {
            log.Note(&tags[index]);
        }

        bool isAll = log.TryClear(Invalid);

        int cleared = Math.Min(filled, FillLog.Capacity);
        Assert.Equal(filled <= FillLog.Capacity, isAll);
        Assert.Equal(
            Enumerable.Range(0, TagCount).Select(index => index < cleared ? Invalid : (ulong)index),
            new ReadOnlySpan<ulong>(tags, TagCount).ToArray());
    }

    [Fact]
    public void A_part_is_cleared_and_forgotten_and_the_rest_stays_noted()
    {
        const int First = 20;
        const int End = 30;
        FillLog log = default;
        ulong* tags = stackalloc ulong[FillLog.Capacity];
        for (int index = 0; index < FillLog.Capacity; index++)
        {
            tags[index] = (ulong)index;
            log.Note(&tags[index]);
        }

        Assert.True(log.TryClear(&tags[First], &tags[End], Invalid));
        Assert.Equal(
            Enumerable.Range(0, FillLog.Capacity).Select(index => index is >= First and < End ? Invalid : (ulong)index),
            new ReadOnlySpan<ulong>(tags, FillLog.Capacity).ToArray());

        for (int index = First; index < End; index++)
        {
            // As many as were forgotten can be noted again.
            log.Note(&tags[index]);
        }

        Assert.True(log.TryClear(Invalid));
        Assert.All(new ReadOnlySpan<ulong>(tags, FillLog.Capacity).ToArray(), tag => Assert.Equal(Invalid, tag));
    }

    [Fact]
    public void Of_more_than_it_can_note_it_clears_no_part()
    {
        FillLog log = default;
        ulong tag = 1;
        for (int index = 0; index <= FillLog.Capacity; index++)
        {
            log.Note(&tag);
        }

        Assert.False(log.TryClear(&tag, &tag + 1, Invalid));
        Assert.Equal(1ul, tag);
    }

    [Fact]
    public void What_was_cleared_is_forgotten()
    {
        FillLog log = default;
        ulong tag = 1;
        for (int index = 0; index <= FillLog.Capacity; index++)
        {
            log.Note(&tag);
        }

        Assert.False(log.TryClear(Invalid));
        tag = 2;
        Assert.True(log.TryClear(Invalid));
        Assert.Equal(2ul, tag);
    }
}
