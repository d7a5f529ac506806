// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Float;

namespace KvmActors.Cpu.Execute.Fpu;

/// <summary>One number from two.</summary>
internal delegate Float80 Float80BinaryFunction(Float80 first, Float80 second, ref FloatContext context);
