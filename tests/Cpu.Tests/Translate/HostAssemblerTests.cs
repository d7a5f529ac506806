// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;
using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.Execute.Simd;
using KvmActors.Cpu.State;
using KvmActors.Cpu.Translate;
using Xunit;

namespace KvmActors.Cpu.Tests.Translate;

// JUSTIFICATION: the assembler writes through a pointer.
// SAFETY: every instruction it writes fits the buffer.

/// <summary>What the emitter writes, a decoder reads as the same instruction.</summary>
public sealed unsafe class HostAssemblerTests : IDisposable
{
    private const int BufferBytes = 64;

    private static readonly int[] s_sizes = [1, 2, 4, 8];
    private static readonly int[] s_displacements = [0, 8, -8, 127, -128, 128, 0x12345, int.MinValue];

    private readonly byte* _buffer = (byte*)NativeMemory.AllocZeroed(BufferBytes);
    private readonly HostAssembler _code = new();

    public void Dispose() => NativeMemory.Free(_buffer);

    [Fact]
    public void Register_to_register_in_every_size_and_with_every_pair()
    {
        foreach ((HostRegister to, HostRegister from) in Pairs())
        {
            foreach (int size in s_sizes)
            {
                Instruction decoded = Decode(() => _code.Registers(HostOpcode.MoveFromRm, size, to, from));

                Assert.Equal(Mnemonic.Mov, decoded.Mnemonic);
                Assert.Equal(Named(to, size), decoded.Op0Register);
                Assert.Equal(Named(from, size), decoded.Op1Register);
            }
        }
    }

    [Fact]
    public void Extensions_read_the_low_byte_of_every_register()
    {
        foreach ((HostRegister to, HostRegister from) in Pairs())
        {
            Instruction decoded = Decode(() => _code.Registers(HostOpcode.MoveZeroExtend8, 4, to, from));

            Assert.Equal(Mnemonic.Movzx, decoded.Mnemonic);
            Assert.Equal(Named(to, 4), decoded.Op0Register);
            Assert.Equal(Named(from, 1), decoded.Op1Register);
        }
    }

    [Fact]
    public void Memory_with_every_base_index_and_displacement()
    {
        foreach ((HostRegister start, HostRegister index) in Pairs())
        {
            foreach (int displacement in s_displacements)
            {
                HostRegister? used = index == HostRegister.Rsp ? null : index;
                HostOperand operand = new(start, displacement, used, used is null ? 0 : 3);

                Instruction decoded = Decode(
                    () => _code.Memory(HostOpcode.FromRm(HostOpcode.Add), 8, HostRegister.R9, operand));

                Assert.Equal(Mnemonic.Add, decoded.Mnemonic);
                Assert.Equal(Register.R9, decoded.Op0Register);
                Assert.Equal(Named(start, 8), decoded.MemoryBase);
                Assert.Equal(used is { } some ? Named(some, 8) : Register.None, decoded.MemoryIndex);
                Assert.Equal(displacement, (long)decoded.MemoryDisplacement64);
                Assert.Equal(used is null ? 1 : 8, decoded.MemoryIndexScale);
            }
        }
    }

    [Theory]
    [InlineData(0ul)]
    [InlineData(0x7FFF_FFFFul)]
    [InlineData(0xFFFF_FFFFul)]
    [InlineData(0xFFFF_FFFF_8000_0000ul)]
    [InlineData(0x1234_5678_9ABC_DEF0ul)]
    [InlineData(ulong.MaxValue)]
    public void A_constant_is_loaded_whole(ulong value)
    {
        for (HostRegister register = 0; register <= HostRegister.R15; register++)
        {
            Instruction decoded = Decode(() => _code.Constant(register, value));

            Assert.Equal(Mnemonic.Mov, decoded.Mnemonic);
            Assert.Equal(value, decoded.GetImmediate(1));
            Assert.Equal(Named(register, 8), decoded.Op0Register.GetFullRegister());
            Assert.True(decoded.Op0Register.GetSize() == 8 || value <= uint.MaxValue);
        }
    }

    [Fact]
    public void Immediates_keep_their_value_in_every_size()
    {
        foreach (int size in s_sizes)
        {
            foreach (int value in (int[])[0, 1, -1, 127, -128, 128, 0x7FFF, int.MinValue])
            {
                Instruction decoded = Decode(
                    () => _code.Arithmetic(HostOpcode.Compare, size, HostRegister.R12, value));

                Assert.Equal(Mnemonic.Cmp, decoded.Mnemonic);
                ulong mask = size == 8 ? ulong.MaxValue : (1ul << (8 * size)) - 1;
                Assert.Equal((ulong)value & mask, decoded.GetImmediate(1) & mask);
            }
        }
    }

    /// <summary>The offsets that host code has are those of the fields.</summary>
    [Fact]
    public void Host_code_finds_the_fields_of_the_state()
    {
        var state = (CpuState*)_buffer;

        Assert.Equal(HostLayout.RipOffset, Offset(&state->Rip));
        Assert.Equal(HostLayout.BudgetOffset, Offset(&state->Budget));
        Assert.Equal(HostLayout.ActiveTlbOffset, Offset(&state->ActiveTlb));
        Assert.Equal(HostLayout.ActiveWriteTlbOffset, Offset(&state->ActiveWriteTlb));
        Assert.Equal(HostLayout.JumpTagOffset, Offset(&state->JumpTag));
        Assert.Equal(HostLayout.JumpEpochOffset, Offset(&state->JumpEpoch));
        Assert.Equal(HostLayout.ReturnTopOffset, Offset(&state->ReturnTop));
        Assert.Equal(HostLayout.MissedCacheOffset, Offset(&state->MissedCache));
        Assert.Equal(HostLayout.FlagWordOffset, Offset(&state->FlagWord));
        Assert.Equal(HostLayout.SlowAddressOffset, Offset(&state->SlowAddress));
        Assert.Equal(HostLayout.KeptOffset, Offset(&state->Kept));
        Assert.Equal(HostLayout.HasSimdLoadedOffset, Offset(&state->HasSimdLoaded));
        Assert.Equal(HostLayout.HostMxcsrOffset, Offset(&state->HostMxcsr));
        Assert.Equal(HostLayout.Cr0Offset, Offset(&state->Cr0));
        Assert.Equal(HostLayout.Cr4Offset, Offset(&state->Cr4));
        Assert.Equal(HostLayout.PrivilegeOffset, Offset(&state->Cpl));
        Assert.Equal(HostLayout.SystemFlagsOffset, Offset(&state->SystemFlags));
        Assert.Equal(HostLayout.MxcsrOffset, Offset(XmmRegisters.Mxcsr(state)));
        Assert.Equal(HostLayout.XmmSlot(3).Displacement + HostLayout.StateBias, Offset(XmmRegisters.At(state, 3 * 16)));
        Assert.Equal(HostLayout.SegmentsOffset, Offset(CpuState.Segment(state, SegmentName.Es)));
    }

    [Fact]
    public void Flags_survive_the_way_through_the_flag_word()
    {
        foreach (ulong status in AllStatus())
        {
            Assert.Equal(status, FlagWord.StatusOf(FlagWord.Of(status)));
        }
    }

    private static IEnumerable<ulong> AllStatus()
    {
        for (ulong flags = 0; flags <= RFlags.Status; flags++)
        {
            if ((flags & ~RFlags.Status) == 0)
            {
                yield return flags;
            }
        }
    }

    private static IEnumerable<(HostRegister First, HostRegister Second)> Pairs()
    {
        for (HostRegister first = 0; first <= HostRegister.R15; first++)
        {
            for (HostRegister second = 0; second <= HostRegister.R15; second++)
            {
                yield return (first, second);
            }
        }
    }

    private static Register Named(HostRegister register, int sizeBytes) => sizeBytes switch
    {
        1 when register is >= HostRegister.Rsp and <= HostRegister.Rdi => Register.SPL + (register - HostRegister.Rsp),
        1 when register >= HostRegister.R8 => Register.R8L + (register - HostRegister.R8),
        1 => Register.AL + (int)register,
        2 => Register.AX + (int)register,
        4 => Register.EAX + (int)register,
        _ => Register.RAX + (int)register,
    };

    private int Offset(void* field) => (int)((byte*)field - _buffer);

    private Instruction Decode(Action emit)
    {
        new Span<byte>(_buffer, BufferBytes).Clear();
        _code.Position = _buffer;
        emit();
        GuestCodeReader reader = new();
        reader.Reset(_buffer, _code.Position);
        Instruction decoded = Decoder.Create(64, reader).Decode();
        Assert.Equal(_code.Position - _buffer, decoded.Length);
        return decoded;
    }
}
