// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Tests.Silicon.Vectors.Recording;

/// <summary>Segment registers and questions about descriptors, with the table that Linux has. FS is the host's own; DS
/// and SS get only what the code behind the instruction can live with.</summary>
internal static class SegmentForms
{
    private const byte MoveFromSegment = 0x8C;
    private const ulong Privileges = 3;
    private const ulong UserData = 0x28;

    // Of the kernel: refused. Outside of the table: refused.
    private static readonly ulong[] s_refused = [0x08, 0x10, 0x18, 0x38, 0x80, 0xFFF8];
    private static readonly ulong[] s_all = [0, 0x20, UserData, 0x30, .. s_refused];

    /// <summary>Cases, each with what the selector may be: a mask of chance, and the rest.</summary>
    public static IEnumerable<(SiliconCase Made, VectorOverride[] Needs)> Of(int bits, Random random)
    {
        foreach (Code code in Enum.GetValues<Code>())
        {
            if (!ExampleInstruction.TryMake(code, bits, out Instruction example))
            {
                continue;
            }

            switch (example.Mnemonic)
            {
                case Mnemonic.Mov when example.Op1Kind == OpKind.Register && example.Op1Register.IsSegmentRegister():
                    foreach (Register segment in (Register[])
                        [Register.ES, Register.CS, Register.SS, Register.DS, Register.FS, Register.GS])
                    {
                        example.Op1Register = segment;
                        yield return (Case(example, bits, random, []), []);
                    }

                    break;
                case Mnemonic.Push when example.Op0Kind == OpKind.Register && example.Op0Register.IsSegmentRegister():
                    yield return (Case(example, bits, random, []), []);
                    break;
                case Mnemonic.Lar or Mnemonic.Lsl or Mnemonic.Verr or Mnemonic.Verw:
                    yield return (Case(example, bits, random, []), [Selector((byte)Gpr.Rcx, 0, s_all, random)]);
                    break;
                default:
                    foreach ((SiliconCase, VectorOverride[]) load in Loads(example, bits, random))
                    {
                        yield return load;
                    }

                    break;
            }
        }
    }

    private static IEnumerable<(SiliconCase Made, VectorOverride[] Needs)> Loads(
        Instruction example, int bits, Random random)
    {
        ushort dataOffset = SiliconLayout.DataBytes - SiliconLayout.FxStateBytes;
        switch (example.Mnemonic)
        {
            case Mnemonic.Mov when example.Op0Kind == OpKind.Register && example.Op0Register.IsSegmentRegister():
                foreach (Register segment in (Register[])[Register.ES, Register.SS, Register.DS, Register.GS])
                {
                    example.Op0Register = segment;
                    yield return Load(example, segment, bits, random, (byte)Gpr.Rcx, 0);
                }

                break;
            case Mnemonic.Pop when example.Op0Kind == OpKind.Register && example.Op0Register.IsSegmentRegister()
                && example.Op0Register is not (Register.FS or Register.CS):
                yield return Load(
                    example, example.Op0Register, bits, random, VectorOverride.Stack, SiliconLayout.StackBytes / 2);
                break;
            case Mnemonic.Les or Mnemonic.Lds or Mnemonic.Lss or Mnemonic.Lgs:
                Register loaded = example.Mnemonic switch
                {
                    Mnemonic.Les => Register.ES,
                    Mnemonic.Lds => Register.DS,
                    Mnemonic.Lss => Register.SS,
                    _ => Register.GS,
                };
                int offsetBytes = example.Op0Register.GetSize();
                yield return Load(
                    example, loaded, bits, random, VectorOverride.Data, (ushort)(dataOffset + offsetBytes));
                break;
            default:
                break;
        }
    }

    private static (SiliconCase Made, VectorOverride[] Needs) Load(
        in Instruction load, Register segment, int bits, Random random, byte place, ushort offset)
    {
        int number = segment - Register.ES;
        ulong[] usable = (segment, bits) switch
        {
            (Register.SS or Register.DS, 16) => s_refused,
            (Register.SS, _) => s_all,
            (Register.DS, 32) => [UserData, .. s_refused],
            _ => s_all,
        };

        // Behind it, mov edx, segment: so that what was loaded is seen.
        byte[] look = [MoveFromSegment, (byte)(0xC0 | (number << 3) | (int)Gpr.Rdx)];
        return (Case(load, bits, random, look), [Selector(place, offset, usable, random)]);
    }

    private static VectorOverride Selector(byte place, ushort offset, ulong[] selectors, Random random)
    {
        ulong selector = selectors[random.Next(selectors.Length)];
        ulong kept = place < VectorOverride.Data ? ~0xFFFFul | Privileges : Privileges;
        return new VectorOverride(place, offset, kept, selector);
    }

    private static SiliconCase Case(Instruction instruction, int bits, Random random, byte[] behind)
    {
        SiliconCase made = SystemForms.Case(instruction, bits, random);
        return new SiliconCase
        {
            Instructions = made.Instructions,
            Bits = bits,
            Bytes = [.. made.Bytes, .. behind],
            Address = made.Address,
            Gprs = made.Gprs,
            RFlags = 0,
            Data = [],
            Stack = [],
            UndefinedFlags = 0,
        };
    }
}
