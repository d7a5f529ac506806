// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;

namespace KvmActors.Cpu.Tests.Silicon;

/// <summary>What an instruction finds in memory and in the registers of the FXSAVE image.</summary>
internal interface ICaseContents
{
    void Fill(in Instruction instruction, Random random, Span<byte> memory);

    /// <summary>The FXSAVE64 image, with all exceptions masked.</summary>
    byte[] FxState(in Instruction instruction, Random random);
}
