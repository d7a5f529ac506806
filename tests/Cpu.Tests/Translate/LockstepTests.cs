// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Iced.Intel;
using KvmActors.Cpu.State;
using KvmActors.Cpu.Tests.Execute;
using Xunit;
using Xunit.Abstractions;
using static Iced.Intel.AssemblerRegisters;

namespace KvmActors.Cpu.Tests.Translate;

/// <summary>Random programs end, and stop at every count, the same in the interpreter and in the translator.</summary>
/// <remarks>KVMACTORS_LOCKSTEP_SECONDS says for how long; KVMACTORS_SEED where to begin.</remarks>
public sealed class LockstepTests(ITestOutputHelper output)
{
    private const ulong InstructionsMax = 20_000;

    /// <summary>CR4.OSFXSR and CR4.OSXMMEXCPT.</summary>
    private const ulong SimdEnabled = 0x600;

    [Fact]
    public void Both_engines_are_in_the_same_state_at_every_stop()
    {
        int seed = Number("KVMACTORS_SEED", Random.Shared.Next(1_000_000_000));
        var time = TimeSpan.FromSeconds(Number("KVMACTORS_LOCKSTEP_SECONDS", 4));
        output.WriteLine($"KVMACTORS_SEED={seed}");
        var clock = Stopwatch.StartNew();
        int cases = 0;
        long blocks = 0;
        for (; cases < 20 || clock.Elapsed < time; cases++)
        {
            blocks += RunBoth(unchecked(seed + cases));
        }

        output.WriteLine($"{cases} programs, {blocks} blocks translated.");
        Assert.True(blocks > cases, "Hardly anything was translated.");
    }

    private static long RunBoth(int seed)
    {
        Random random = new(seed);
        byte[] code = new LockstepProgram(random).Encode();
        byte[] data = new byte[LockstepProgram.DataBytes];
        random.NextBytes(data);
        ulong[] registers = [.. Enumerable.Range(0, CpuState.GprCount).Select(_ => (ulong)random.NextInt64())];
        int hotEntries = random.Next(1, 4);
        using Twin interpreter = new(code, data, registers, hotEntries: null);
        using Twin translator = new(code, data, registers, hotEntries);
        int longest = random.Next(2) == 0 ? 8 : 3000;
        while (true)
        {
            ulong piece = (ulong)random.Next(1, longest);
            VmExit expected = interpreter.Run(piece);
            VmExit found = translator.Run(piece);
            bool isLast = expected is not VmExit.BudgetSpent || interpreter.Retired > InstructionsMax;
            bool isWhole = isLast || random.Next(8) == 0;
            if (!expected.Equals(found) || !interpreter.IsAt(translator)
                || (isWhole && interpreter.Text() != translator.Text()))
            {
                Assert.Fail(
                    $"KVMACTORS_SEED={seed}, {hotEntries} entries: expected {expected}, found {found}\n"
                    + Differences(interpreter.Text(), translator.Text()) + Listing(code));
            }

            if (isLast)
            {
                Assert.Equal(interpreter.MemoryHash(), translator.MemoryHash());
                return translator.BlocksTranslated;
            }
        }
    }

    private static string Differences(string expected, string found) => string.Concat(
        expected.Split('\n').Zip(found.Split('\n'))
            .Where(line => line.First != line.Second)
            .Select(line => $"expected {line.First}\n   found {line.Second}\n"));

    private static string Listing(byte[] code)
    {
        StringBuilder text = new();
        var decoder = Iced.Intel.Decoder.Create(64, code, TestGuest.CodeStart);
        while (decoder.IP < TestGuest.CodeStart + (ulong)code.Length)
        {
            Instruction instruction = decoder.Decode();
            if (instruction.Code != Code.Int3)
            {
                text.Append(CultureInfo.InvariantCulture, $"{instruction.IP:x}  {instruction}\n");
            }
        }

        return text.ToString();
    }

    private static int Number(string variable, int byDefault) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int number)
            ? number
            : byDefault;

    /// <summary>One of the two: its own memory, the same contents.</summary>
    private sealed class Twin : IDisposable
    {
        private readonly TestGuest _guest;

        public Twin(byte[] code, byte[] data, ulong[] registers, int? hotEntries)
        {
            _guest = TestGuest.LongWith(hotEntries);
            VcpuState state = _guest.Vcpu.Save();
            _guest.Vcpu.Restore(state with { Cr4 = state.Cr4 | SimdEnabled });
            Assembler handler = new(64);
            handler.push(rax);
            handler.mov(rax, cr2);
            handler.invlpg(__byte_ptr[rax]);
            handler.shr(rax, 12);
            handler.or(__byte_ptr[(rax * 8) + (long)GuestTables.PageTableOfFirst2M], 7);
            handler.pop(rax);
            handler.add(rsp, 8);
            handler.iretq();
            _guest.Put(handler, LockstepProgram.FaultHandler);
            GuestTables.WriteGate64(
                _guest.Memory, vector: 14, LockstepProgram.FaultHandler, type: 0xE, dpl: 3, stackTable: 0);
            _guest.Memory.Write(new Gpa(TestGuest.CodeStart), code);
            _guest.Memory.Write(new Gpa(TestGuest.CodeStart + LockstepProgram.ToOtherCode), OtherCode(code));
            _guest.Memory.Write(new Gpa(LockstepProgram.DataStart), data);
            for (int register = 0; register < registers.Length; register++)
            {
                if (register != (int)Gpr.Rsp)
                {
                    _guest[(Gpr)register] = registers[register];
                }
            }
        }

        public ulong Retired => _guest.Vcpu.InstructionsRetired;

        public long BlocksTranslated => _guest.Vcpu.Statistics.BlocksTranslated;

        public VmExit Run(ulong budget) => _guest.Run(budget);

        /// <summary>Whether everything is equal that instructions without privilege change.</summary>
        public bool IsAt(Twin other)
        {
            Span<ulong> registers = stackalloc ulong[CpuState.GprCount];
            Span<ulong> others = stackalloc ulong[CpuState.GprCount];
            _guest.Vcpu.ReadGprs(registers);
            other._guest.Vcpu.ReadGprs(others);
            return registers.SequenceEqual(others)
                && _guest.Vcpu.Rip == other._guest.Vcpu.Rip
                && _guest.Vcpu.RFlags == other._guest.Vcpu.RFlags
                && Retired == other.Retired;
        }

        public string Text() => StateText.Of(_guest.Vcpu.Save());

        public string MemoryHash()
        {
            byte[] all = new byte[_guest.Memory.SizeBytes];
            _guest.Memory.Read(new Gpa(0), all);
            return Convert.ToHexString(SHA256.HashData(all));
        }

        public void Dispose() => _guest.Dispose();

        private static byte[] OtherCode(byte[] code)
        {
            byte[] other = [.. code];
            byte[] mark = BitConverter.GetBytes(LockstepProgram.Mark);
            for (int at = other.AsSpan().IndexOf(mark); at >= 0; at = other.AsSpan().IndexOf(mark))
            {
                BitConverter.TryWriteBytes(other.AsSpan(at), LockstepProgram.OtherMark);
            }

            return other;
        }
    }
}
