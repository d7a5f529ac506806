// SPDX-License-Identifier: Apache-2.0

using System.Numerics;
using Iced.Intel;
using KvmActors.Cpu.Decode;
using KvmActors.Cpu.State;
using Bytes = System.Runtime.Intrinsics.Vector128<byte>;

namespace KvmActors.Cpu.Execute.Simd;

// JUSTIFICATION: see SimdRule.
// SAFETY: each method pairs a form with the kernel signature that the form calls.

/// <summary>The rules of all MMX and SSE instructions, by the decoder's code.</summary>
internal sealed unsafe class SimdTable
{
    private const int WholeRegisterBytes = 16;

    private readonly SimdRule[] _rules = new SimdRule[Enum.GetValues<Code>().Length];

    public ref readonly SimdRule this[Code code] => ref _rules[(int)code];

    /// <summary>A form that serves registers and memory.</summary>
    public void Add(Code code, delegate* managed<CpuState*, Uop*, Outcome> form, void* kernel = null) =>
        AddSplit(code, form, kernel, form, kernel);

    /// <summary>An instruction that does one thing with a register and another with memory.</summary>
    public void AddSplit(
        Code code,
        delegate* managed<CpuState*, Uop*, Outcome> form,
        void* kernel,
        delegate* managed<CpuState*, Uop*, Outcome> memoryForm,
        void* memoryKernel)
    {
        int memoryBytes = code.ToOpCode().MemorySize.GetSize();
        _rules[(int)code] = new SimdRule
        {
            Form = form,
            Kernel = kernel,
            MemoryForm = memoryForm,
            MemoryKernel = memoryKernel,
            Requires = SimdFeatures.Of(code),
            SizeLog = (byte)BitOperations.Log2((uint)memoryBytes),
            IsAligned = memoryBytes == WholeRegisterBytes && !MayBeUnaligned(code.Mnemonic()),
        };
    }

    /// <summary>XMM: destination = kernel(source).</summary>
    public void Unary(Code xmm, delegate* managed<Bytes, Bytes> kernel) => Add(xmm, &XmmForms.Unary, kernel);

    /// <summary>As Unary of one code, and the same with MMX registers.</summary>
    public void Unary(Code xmm, Code mmx, delegate* managed<Bytes, Bytes> kernel)
    {
        Unary(xmm, kernel);
        Add(mmx, &MmxForms.Unary, kernel);
    }

    /// <summary>XMM: destination = kernel(source, immediate).</summary>
    public void UnaryImmediate(Code xmm, delegate* managed<Bytes, byte, Bytes> kernel) =>
        Add(xmm, &XmmForms.UnaryImmediate, kernel);

    /// <summary>XMM: destination = kernel(destination, source).</summary>
    public void Binary(Code xmm, delegate* managed<Bytes, Bytes, Bytes> kernel) => Add(xmm, &XmmForms.Binary, kernel);

    /// <summary>As Binary of one code, and the same with MMX registers: the low
    /// halves of results are what the instruction does with low halves.</summary>
    public void Binary(Code xmm, Code mmx, delegate* managed<Bytes, Bytes, Bytes> kernel)
    {
        Binary(xmm, kernel);
        Add(mmx, &MmxForms.Binary, kernel);
    }

    /// <summary>As Binary of one code; with MMX registers destination and source
    /// are the two halves of the kernel's destination.</summary>
    public void Joined(Code xmm, Code mmx, delegate* managed<Bytes, Bytes, Bytes> kernel)
    {
        Binary(xmm, kernel);
        Add(mmx, &MmxForms.Joined, kernel);
    }

    /// <summary>XMM: destination = kernel(destination, source, immediate).</summary>
    public void BinaryImmediate(Code xmm, delegate* managed<Bytes, Bytes, byte, Bytes> kernel) =>
        Add(xmm, &XmmForms.BinaryImmediate, kernel);

    private static bool MayBeUnaligned(Mnemonic mnemonic) => mnemonic
        is Mnemonic.Movups or Mnemonic.Movupd or Mnemonic.Movdqu or Mnemonic.Lddqu or Mnemonic.Maskmovdqu
        or Mnemonic.Pcmpestri or Mnemonic.Pcmpestrm or Mnemonic.Pcmpistri or Mnemonic.Pcmpistrm
        or Mnemonic.Pcmpestri64 or Mnemonic.Pcmpestrm64;
}
