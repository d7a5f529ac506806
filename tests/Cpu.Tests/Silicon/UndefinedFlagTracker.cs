// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;

namespace KvmActors.Cpu.Tests.Silicon;

/// <summary>Which flags may be undefined at each place of a run, whichever way its jumps go.</summary>
internal sealed class UndefinedFlagTracker
{
    private readonly Dictionary<int, RflagsBits> _atTargets = [];

    private RflagsBits _now;

    public ulong AtEnd => UndefinedFlags.FromIced(
        _atTargets.Values.Aggregate(_now, (all, more) => all | more));

    /// <summary>False, with nothing changed, if the instruction reads a flag that may be undefined here.</summary>
    public bool TryAppend(in Instruction instruction, int position)
    {
        if (_atTargets.Remove(position, out RflagsBits jumped))
        {
            _now |= jumped;
        }

        if ((instruction.RflagsRead & _now) != 0)
        {
            return false;
        }

        if (instruction.FlowControl == FlowControl.ConditionalBranch)
        {
            int target = (int)instruction.NearBranch64 - 1;
            _atTargets[target] = _atTargets.GetValueOrDefault(target) | _now;
            return true;
        }

        _now = After(instruction);
        return true;
    }

    private RflagsBits After(in Instruction instruction)
    {
        RflagsBits written = instruction.RflagsWritten | instruction.RflagsCleared | instruction.RflagsSet;
        switch (instruction.Mnemonic)
        {
            case Mnemonic.Shl or Mnemonic.Sal or Mnemonic.Shr or Mnemonic.Sar or Mnemonic.Shld or Mnemonic.Shrd:
            case Mnemonic.Rol or Mnemonic.Ror or Mnemonic.Rcl or Mnemonic.Rcr:
                break;
            default:
                return (_now & ~written) | instruction.RflagsUndefined;
        }

        // The count is unknown, or 0 and no flag changes; SHL and SHR may lose CF, and all lose OF and AF.
        bool rotates = instruction.Mnemonic is Mnemonic.Rol or Mnemonic.Ror or Mnemonic.Rcl or Mnemonic.Rcr;
        return _now | RflagsBits.OF | (rotates ? 0 : RflagsBits.AF | RflagsBits.CF);
    }
}
