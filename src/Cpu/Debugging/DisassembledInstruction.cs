// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Debugging;

/// <summary>One instruction as text.</summary>
/// <param name="SizeBytes">Its length; 0 where there is no code.</param>
/// <param name="Mnemonic"><c>mov</c>; <c>(bad)</c> where the bytes are no instruction.</param>
/// <param name="Text">With prefixes and operands.</param>
public sealed record DisassembledInstruction(int SizeBytes, string Mnemonic, string Text);
