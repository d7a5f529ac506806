// SPDX-License-Identifier: Apache-2.0

using static System.Buffers.Binary.BinaryPrimitives;

namespace KvmActors.Cpu.State.KvmApi;

/// <summary>struct kvm_regs and struct kvm_debugregs.</summary>
internal static class KvmRegisters
{
    private const int RipOffset = 128;
    private const int RFlagsOffset = 136;
    private const int Dr6Offset = 32;
    private const int Dr7Offset = 40;

    // The order of the structure, which is not that of the encoding.
    private static readonly Gpr[] s_order =
    [
        Gpr.Rax, Gpr.Rbx, Gpr.Rcx, Gpr.Rdx, Gpr.Rsi, Gpr.Rdi, Gpr.Rsp, Gpr.Rbp,
        Gpr.R8, Gpr.R9, Gpr.R10, Gpr.R11, Gpr.R12, Gpr.R13, Gpr.R14, Gpr.R15,
    ];

    public static byte[] Write(VcpuState state)
    {
        byte[] bytes = new byte[KvmVcpuState.SizeBytes(KvmStructure.Registers)];
        for (int place = 0; place < s_order.Length; place++)
        {
            WriteUInt64LittleEndian(bytes.AsSpan(8 * place), state.Gprs[(int)s_order[place]]);
        }

        WriteUInt64LittleEndian(bytes.AsSpan(RipOffset), state.Rip);
        WriteUInt64LittleEndian(bytes.AsSpan(RFlagsOffset), state.RFlags);
        return bytes;
    }

    public static VcpuState Read(ReadOnlySpan<byte> bytes, VcpuState state)
    {
        ulong[] gprs = new ulong[s_order.Length];
        for (int place = 0; place < s_order.Length; place++)
        {
            gprs[(int)s_order[place]] = ReadUInt64LittleEndian(bytes[(8 * place)..]);
        }

        return state with
        {
            Gprs = [.. gprs],
            Rip = ReadUInt64LittleEndian(bytes[RipOffset..]),
            RFlags = ReadUInt64LittleEndian(bytes[RFlagsOffset..]),
        };
    }

    public static byte[] WriteDebug(VcpuState state)
    {
        byte[] bytes = new byte[KvmVcpuState.SizeBytes(KvmStructure.DebugRegisters)];
        for (int register = 0; register < state.DebugRegisters.Length; register++)
        {
            WriteUInt64LittleEndian(bytes.AsSpan(8 * register), state.DebugRegisters[register]);
        }

        return bytes;
    }

    public static VcpuState ReadDebug(ReadOnlySpan<byte> bytes, VcpuState state) => state with
    {
        DebugRegisters =
        [
            ReadUInt64LittleEndian(bytes),
            ReadUInt64LittleEndian(bytes[8..]),
            ReadUInt64LittleEndian(bytes[16..]),
            ReadUInt64LittleEndian(bytes[24..]),
            ReadUInt64LittleEndian(bytes[Dr6Offset..]),
            ReadUInt64LittleEndian(bytes[Dr7Offset..]),
        ],
    };
}
