// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Float;

namespace KvmActors.Cpu.Execute.Fpu;

/// <summary>One number from another.</summary>
internal delegate Float80 Float80Function(Float80 value, ref FloatContext context);
