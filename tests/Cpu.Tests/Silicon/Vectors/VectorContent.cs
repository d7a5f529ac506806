// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Tests.Silicon.Vectors;

/// <summary>What registers and memory are filled with. The numbers are in the files.</summary>
internal enum VectorContent
{
    /// <summary>64-bit numbers where carries, signs and widths change.</summary>
    Integers = 0,

    /// <summary>16 bytes of elements of all widths.</summary>
    PackedIntegers = 1,

    /// <summary>Four binary32, neighbours of each other.</summary>
    Singles = 2,

    /// <summary>Two binary64, neighbours of each other.</summary>
    Doubles = 3,

    /// <summary>80-bit encodings, in 16 bytes.</summary>
    Extended = 4,

    /// <summary>16 bytes of text with ends in it.</summary>
    Text = 5,

    /// <summary>Packed BCD, in 16 bytes.</summary>
    Decimals = 6,

    /// <summary>Four values for MXCSR, few of them with reserved bits.</summary>
    Mxcsr = 7,

    /// <summary>FLDENV and FRSTOR images with fields of 2 bytes, in 128 bytes.</summary>
    FpuImages16 = 8,

    /// <summary>FLDENV and FRSTOR images with fields of 4 bytes, in 128 bytes.</summary>
    FpuImages32 = 9,

    /// <summary>FXRSTOR images, in 512 bytes.</summary>
    FxImages = 10,

    /// <summary>The first 32 bytes of an FXSAVE64 image: as x87 programs leave it.</summary>
    FpuEnvironments = 11,

    /// <summary>The same: as SSE programs leave it, exceptions masked or not.</summary>
    SimdEnvironments = 12,
}
