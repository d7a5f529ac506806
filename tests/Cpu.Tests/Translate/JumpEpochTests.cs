// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Memory;
using KvmActors.Cpu.State;
using Xunit;

namespace KvmActors.Cpu.Tests.Translate;

// JUSTIFICATION: the jump cache lies in a state that is not on the heap.
// SAFETY: state and blocks are as large as their types say and live as long as the test.

/// <summary>An inline cache of host code holds as long as the jump epoch is the same: so that has to change with all
/// that the jump cache forgets.</summary>
public sealed unsafe class JumpEpochTests : IDisposable
{
    private const ulong Rip = 0x2_0000;

    /// <summary>As far apart as two addresses with the same place.</summary>
    private const ulong SamePlace = 32 << 20;

    private readonly CpuState* _state;
    private readonly Block* _blocks;

    public JumpEpochTests()
    {
        _state = (CpuState*)NativeMemory.AlignedAlloc(CpuState.SizeBytes, GuestMemory.PageBytes);
        NativeMemory.Clear(_state, CpuState.SizeBytes);
        JumpCache.Initialize(_state);
        _state->CodeLimit = ulong.MaxValue;
        _blocks = (Block*)NativeMemory.AllocZeroed(2, (nuint)sizeof(Block));
        First->Rip = Rip;
        Second->Rip = Rip + SamePlace;
    }

    private Block* First => _blocks;

    private Block* Second => _blocks + 1;

    [Fact]
    public void A_block_with_host_code_that_loses_its_place_ends_the_epoch()
    {
        First->HostCode = (byte*)_state;
        JumpCache.Add(_state, First);
        ulong before = _state->JumpEpoch;

        JumpCache.Add(_state, Second);

        Assert.NotEqual(before, _state->JumpEpoch);
        Assert.False(JumpCache.Holds(_state, First));
        Assert.True(JumpCache.Holds(_state, Second));
    }

    [Fact]
    public void A_block_that_no_inline_cache_can_have_does_not()
    {
        JumpCache.Add(_state, First);
        ulong before = _state->JumpEpoch;

        JumpCache.Add(_state, Second);
        JumpCache.Add(_state, Second);

        Assert.Equal(before, _state->JumpEpoch);
    }

    [Fact]
    public void The_same_block_for_another_privilege_loses_its_place_too()
    {
        First->HostCode = (byte*)_state;
        JumpCache.Select(_state, CpuMode.Long64, user: false);
        JumpCache.Add(_state, First);
        ulong before = _state->JumpEpoch;

        JumpCache.Select(_state, CpuMode.Long64, user: true);
        JumpCache.Add(_state, First);
        JumpCache.Select(_state, CpuMode.Long64, user: false);

        Assert.NotEqual(before, _state->JumpEpoch);
        Assert.False(JumpCache.Holds(_state, First));
    }

    [Fact]
    public void A_privilege_that_comes_back_finds_its_epoch()
    {
        JumpCache.Select(_state, CpuMode.Long64, user: false);
        ulong before = _state->JumpEpoch;

        JumpCache.Select(_state, CpuMode.Long64, user: true);
        ulong ofUser = _state->JumpEpoch;
        JumpCache.Select(_state, CpuMode.Long64, user: false);

        Assert.NotEqual(before, ofUser);
        Assert.Equal(before, _state->JumpEpoch);
    }

    [Fact]
    public void A_flush_ends_the_epoch_and_so_does_that_of_a_page()
    {
        ulong before = _state->JumpEpoch;
        JumpCache.FlushPage(_state, Rip);
        ulong behindPage = _state->JumpEpoch;
        JumpCache.Flush(_state);

        Assert.NotEqual(before, behindPage);
        Assert.NotEqual(behindPage, _state->JumpEpoch);
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_state);
        NativeMemory.Free(_blocks);
    }
}
