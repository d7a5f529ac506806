// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.State;

namespace KvmActors.Cpu.Execute.Fpu;

// JUSTIFICATION: see CpuState.
// SAFETY: spans have their own bounds; offsets into the image are constants below its size.

/// <summary>The components in the legacy region of an XSAVE area, which lie there in both formats.</summary>
/// <remarks>Source: Intel SDM vol. 1, sections 13.4.1, 13.5.1, 13.5.2 and 13.6.</remarks>
internal static unsafe class XsaveArea
{
    public const int LegacyBytes = 512;
    public const int Bytes = LegacyBytes + XsaveHeader.Bytes;
    private const int XmmOffset = 160;
    private const int XmmBytes64 = 256;
    private const int XmmBytes32 = 128;
    private const int StackOffset = 32;
    private const uint InitialMxcsr = 0x1F80;

    /// <summary>XINUSE: components that are not in their initial state. MXCSR does not count.</summary>
    public static ulong InUse(CpuState* state)
    {
        ReadOnlySpan<byte> image = new(CpuState.FxSave(state), CpuState.FxSaveBytes);
        bool x87 = FpuImage.Control(state) != FpuImage.InitialControl
            || image[2..FxSaveLayout.MxcsrOffset].ContainsAnyExcept((byte)0)
            || image[StackOffset..XmmOffset].ContainsAnyExcept((byte)0);
        bool sse = image.Slice(XmmOffset, XmmBytes64).ContainsAnyExcept((byte)0);
        return (x87 ? XsaveComponents.X87 : 0) | (sse ? XsaveComponents.Sse : 0);
    }

    public static bool HasInitialMxcsr(CpuState* state) =>
        *(uint*)(CpuState.FxSave(state) + FxSaveLayout.MxcsrOffset) == InitialMxcsr;

    /// <summary>Bytes of the XMM registers that the mode has.</summary>
    public static int XmmBytes(CpuState* state) => state->Mode == CpuMode.Long64 ? XmmBytes64 : XmmBytes32;

    public static void WriteXmm(CpuState* state, Span<byte> area) =>
        new ReadOnlySpan<byte>(CpuState.FxSave(state) + XmmOffset, XmmBytes(state)).CopyTo(area[XmmOffset..]);

    public static void ReadXmm(CpuState* state, ReadOnlySpan<byte> area) =>
        area.Slice(XmmOffset, XmmBytes(state)).CopyTo(new Span<byte>(CpuState.FxSave(state) + XmmOffset, XmmBytes64));

    public static void InitializeX87(CpuState* state)
    {
        FpuImage.Initialize(state);
        new Span<byte>(CpuState.FxSave(state) + StackOffset, XmmOffset - StackOffset).Clear();
    }

    public static void InitializeXmm(CpuState* state) =>
        new Span<byte>(CpuState.FxSave(state) + XmmOffset, XmmBytes(state)).Clear();

    public static void InitializeMxcsr(CpuState* state) =>
        *(uint*)(CpuState.FxSave(state) + FxSaveLayout.MxcsrOffset) = InitialMxcsr;
}
