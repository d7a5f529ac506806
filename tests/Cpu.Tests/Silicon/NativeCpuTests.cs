// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;
using Xunit;
using Xunit.Abstractions;

namespace KvmActors.Cpu.Tests.Silicon;

/// <summary>That the thunk around the host's instructions loads and stores what it should.</summary>
public sealed class NativeCpuTests(ITestOutputHelper output)
{
    private static SiliconCase Case(NativeCpu native, byte[] bytes, ulong flags = 0x202)
    {
        ulong[] gprs = [.. Enumerable.Range(1, 16).Select(number => 0x0101_0101_0101_0101ul * (ulong)number)];
        gprs[4] = native.Base + SiliconLayout.Stack;
        return new SiliconCase
        {
            Instructions = [Instruction.Create(Code.Nopd)],
            Bits = 64,
            Bytes = bytes,
            Address = native.Base + SiliconLayout.Code,
            Gprs = gprs,
            RFlags = flags,
            Data = new byte[SiliconLayout.DataBytes],
            Stack = new byte[SiliconLayout.StackBytes],
            UndefinedFlags = 0,
        };
    }

    [Fact]
    public void A_NOP_leaves_every_register_and_flag_as_it_was()
    {
        Run((native, _) =>
        {
            SiliconCase nop = Case(native, [0x90], flags: 0xED7);

            SiliconResult result = native.Execute(nop);

            Assert.Null(new SiliconResult(nop.Next, nop.Gprs, 0xED7, nop.Data, nop.Stack).DifferenceTo(result, 0));
        });
    }

    [Fact]
    public void An_ADD_adds_and_a_PUSH_pushes_and_a_JMP_jumps()
    {
        Run((native, _) =>
        {
            // add r15, rax; push rbx; jmp +0x3E
            SiliconResult sum = native.Execute(Case(native, [0x49, 0x01, 0xC7]));
            SiliconResult pushed = native.Execute(Case(native, [0x53]));
            SiliconCase jump = Case(native, [0xEB, SiliconLayout.TakenOffset - 2]);

            Assert.Equal(0x1111_1111_1111_1111ul, sum.Gprs[15]);
            Assert.Equal(native.Base + SiliconLayout.Stack - 8, pushed.Gprs[4]);
            int top = SiliconLayout.StackBytes / 2;
            Assert.Equal([4, 4, 4, 4, 4, 4, 4, 4], pushed.Stack[(top - 8)..top]);
            Assert.Equal(jump.Taken, (ulong?)native.Execute(jump).Rip);
        });
    }

    [Fact]
    public void Every_generated_case_runs_on_the_host_and_the_host_goes_on()
    {
        Run((native, _) =>
        {
            CaseGenerator generator = new(native.Base, bits: 64);
            foreach (Code code in InstructionForms.Of64Bits)
            {
                for (int seed = 0; seed < 20; seed++)
                {
                    if (generator.TryMake(code, new Random(seed)) is { } made)
                    {
                        native.Execute(made);
                    }
                }
            }
        });
    }

    private void Run(Action<NativeCpu, ITestOutputHelper> test)
    {
        using var native = NativeCpu.TryCreate(out string whyNot);
        if (native is null)
        {
            output.WriteLine($"Not run: {whyNot}.");
            return;
        }

        test(native, output);
    }
}
