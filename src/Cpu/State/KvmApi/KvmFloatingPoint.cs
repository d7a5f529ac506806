// SPDX-License-Identifier: Apache-2.0

using static System.Buffers.Binary.BinaryPrimitives;

namespace KvmActors.Cpu.State.KvmApi;

/// <summary>struct kvm_xsave and struct kvm_xcrs: x87, SSE and XCR0.</summary>
internal static class KvmFloatingPoint
{
    private const int HeaderOffset = 512;
    private const int FirstXmm = 160;
    private const int LastXmmEnd = 416;
    private const ulong X87 = 1;
    private const ulong Sse = 2;
    private const int ControlEntryOffset = 8;
    private const int ControlValueOffset = 16;
    private const ushort InitialFcw = 0x37F;
    private const int MxcsrOffset = 24;
    private const int MxcsrEnd = 32;

    /// <summary>Both components are in the area, whether in their initial state or not.</summary>
    public static byte[] WriteXsave(VcpuState state)
    {
        byte[] bytes = new byte[KvmVcpuState.SizeBytes(KvmStructure.Xsave)];
        state.FxSave.AsSpan().CopyTo(bytes);
        WriteUInt64LittleEndian(bytes.AsSpan(HeaderOffset), X87 | Sse);
        return bytes;
    }

    /// <summary>A component that is not in the area is in its initial state. MXCSR is always there.</summary>
    public static VcpuState ReadXsave(ReadOnlySpan<byte> bytes, VcpuState state)
    {
        byte[] image = bytes[..HeaderOffset].ToArray();
        ulong components = ReadUInt64LittleEndian(bytes[HeaderOffset..]);
        if ((components & X87) == 0)
        {
            image.AsSpan(0, MxcsrOffset).Clear();
            image.AsSpan(MxcsrEnd, FirstXmm - MxcsrEnd).Clear();
            WriteUInt16LittleEndian(image, InitialFcw);
        }

        if ((components & Sse) == 0)
        {
            image.AsSpan(FirstXmm, LastXmmEnd - FirstXmm).Clear();
        }

        return state with { FxSave = [.. image] };
    }

    public static byte[] WriteControl(VcpuState state)
    {
        byte[] bytes = new byte[KvmVcpuState.SizeBytes(KvmStructure.ExtendedControl)];
        WriteUInt32LittleEndian(bytes, 1);
        WriteUInt64LittleEndian(bytes.AsSpan(ControlValueOffset), state.Xcr0);
        return bytes;
    }

    /// <summary>Without an entry for XCR0 it is as after reset: 1.</summary>
    public static VcpuState ReadControl(ReadOnlySpan<byte> bytes, VcpuState state)
    {
        const int EntriesMax = 16;
        const int EntryBytes = 16;
        int count = (int)Math.Min(ReadUInt32LittleEndian(bytes), EntriesMax);
        for (int entry = 0; entry < count; entry++)
        {
            ReadOnlySpan<byte> at = bytes[(ControlEntryOffset + (entry * EntryBytes))..];
            if (ReadUInt32LittleEndian(at) == 0)
            {
                return state with { Xcr0 = ReadUInt64LittleEndian(at[(ControlValueOffset - ControlEntryOffset)..]) };
            }
        }

        return state with { Xcr0 = X87 };
    }
}
