// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Benchmarks.Engine.Guests;

/// <summary>Instructions drawn from those that compilers emit, whose results no manual leaves open: no flag is read
/// that the instruction before may have left undefined.</summary>
internal sealed class RandomCode(Assembler a, int seed)
{
    /// <summary>Of R14, which the code reads and writes behind.</summary>
    private const int DataBytes = 16 << 10;

    private const int LongestSkip = 5;

    private static readonly AssemblerRegister64[] s_wide = [rax, rbx, rcx, rdx, rsi, rdi, r8, r9, r10, r11, r12];
    private static readonly AssemblerRegister32[] s_narrow =
        [eax, ebx, ecx, edx, esi, edi, r8d, r9d, r10d, r11d, r12d];

    private readonly Random _random = new(seed);
    private int _left;

    /// <summary>A straight line.</summary>
    public void EmitLine(int instructions)
    {
        _left = instructions;
        while (_left > 0)
        {
            EmitPlain();
        }
    }

    /// <summary>With branches forwards over a few instructions.</summary>
    public void EmitFunction(int instructions)
    {
        _left = instructions;
        while (_left > 0)
        {
            if (_random.Next(8) == 0)
            {
                EmitBranch();
            }
            else
            {
                EmitPlain();
            }
        }
    }

    private void EmitBranch()
    {
        Label behind = a.CreateLabel();
        _left -= 2;
        a.cmp(Wide(), Wide());
        switch (_random.Next(4))
        {
            case 0: a.jb(behind); break;
            case 1: a.jne(behind); break;
            case 2: a.jl(behind); break;
            default: a.js(behind); break;
        }

        for (int skipped = _random.Next(1, LongestSkip); skipped > 0; skipped--)
        {
            EmitPlain();
        }

        a.Label(ref behind);
        _left--;
        a.nop();
    }

    private void EmitPlain()
    {
        _left--;
        switch (_random.Next(16))
        {
            case 0: a.mov(Wide(), Wide()); break;
            case 1: a.add(Wide(), Wide()); break;
            case 2: a.sub(Narrow(), Narrow()); break;
            case 3: a.xor(Wide(), Wide()); break;
            case 4: a.and(Narrow(), _random.Next()); break;
            case 5: a.add(Wide(), _random.Next(-128, 128)); break;
            case 6: a.lea(Wide(), __[Wide() + (Wide() * 4) + _random.Next(128)]); break;
            case 7: a.shl(Wide(), (byte)_random.Next(1, 31)); break;
            case 8: a.shr(Narrow(), (byte)_random.Next(1, 31)); break;
            case 9: a.imul(Wide(), Wide()); break;
            case 10 or 11: a.mov(Wide(), __[r14 + Displacement()]); break;
            case 12: a.mov(__[r14 + Displacement()], Wide()); break;
            case 13: a.add(Narrow(), __[r14 + Displacement()]); break;
            case 14: a.movzx(Narrow(), __byte_ptr[r14 + Displacement()]); break;
            default: EmitChoice(); break;
        }
    }

    private void EmitChoice()
    {
        _left--;
        a.test(Wide(), Wide());
        if (_random.Next(2) == 0)
        {
            a.cmovs(Wide(), Wide());
        }
        else
        {
            a.setne(al);
        }
    }

    private AssemblerRegister64 Wide() => s_wide[_random.Next(s_wide.Length)];

    private AssemblerRegister32 Narrow() => s_narrow[_random.Next(s_narrow.Length)];

    /// <summary>Half of them short, as a stack frame's are.</summary>
    private int Displacement() =>
        _random.Next(_random.Next(2) == 0 ? 16 : DataBytes / sizeof(ulong)) * sizeof(ulong);
}
