// SPDX-License-Identifier: Apache-2.0

using Iced.Intel;

namespace KvmActors.Cpu.Tests.Silicon.Vectors;

/// <summary>Executes vectors of a file in the engine and compares.</summary>
internal sealed class VectorReplay(VectorFile file, VectorPools pools) : IDisposable
{
    private readonly Dictionary<int, VectorEngine> _engines = [];
    private readonly VectorInputs _inputs = new(pools);
    private readonly MachineImage _before = new();
    private readonly MachineImage _after = new();
    private readonly MachineImage _expected = new();

    /// <summary>Vectors that were compared.</summary>
    public int Count { get; private set; }

    public List<VectorFailure> Failures { get; } = [];

    public void Dispose()
    {
        foreach (VectorEngine engine in _engines.Values)
        {
            engine.Dispose();
        }
    }

    public void Run(IEnumerable<VectorShape> shapes)
    {
        foreach (VectorShape shape in shapes)
        {
            Run(shape);
        }
    }

    private void Run(VectorShape shape)
    {
        if (!_engines.TryGetValue(shape.Bits, out VectorEngine? engine))
        {
            engine = new VectorEngine(shape.Bits);
            _engines.Add(shape.Bits, engine);
        }

        Instruction instruction = shape.Decode();
        engine.Prepare(shape);
        for (int number = 0; number < shape.Count; number++)
        {
            Count++;
            _inputs.Fill(shape, number, _before);
            _after.CopyFrom(_before);
            string? difference = engine.Execute(_before, _after) ?? Compare(shape, instruction, number);
            if (difference is not null)
            {
                Failures.Add(new VectorFailure(shape, number, difference));
            }
        }
    }

    /// <summary>Null, or what is different.</summary>
    private string? Compare(VectorShape shape, in Instruction instruction, int number)
    {
        byte status = file.StatusOf(shape, number);
        ulong undefined = _after.Fault is null
            ? UndefinedFlags.Of(instruction, _before.Words.AsSpan(MachineImage.Gprs, 16))
            : 0;
        if (number < shape.FullCount)
        {
            return CompareWhole(shape, instruction, number, undefined);
        }

        if (MachineImage.IsFault(status) || _after.Fault is not null)
        {
            if (status != _after.Status)
            {
                byte? expected = MachineImage.IsFault(status) ? MachineImage.VectorOf(status) : null;
                return $"expected {MachineImage.NameOf(expected)}, found {MachineImage.NameOf(_after.Fault)}";
            }
        }
        else
        {
            ulong compared = SiliconResult.ComparedFlags & ~undefined;
            ulong flags = MachineImage.UnpackFlags(status);
            if (((flags ^ _after.Flags) & compared) != 0)
            {
                return $"flags: expected {MachineImage.NamesOf(flags & compared)}, found "
                    + MachineImage.NamesOf(_after.Flags & compared);
            }
        }

        return file.DigestOf(shape, number) == MachineImage.Digest(_before, _after)
            ? null
            : $"expected other registers or memory than the engine's: {Changes()}";
    }

    private string? CompareWhole(VectorShape shape, in Instruction instruction, int number, ulong undefined)
    {
        _expected.CopyFrom(_before);
        file.ReadFull(shape, number, _expected);
        bool isOwn = VectorTolerance.IsMakersOwn(instruction.Mnemonic);
        return isOwn && !VectorTolerance.TryUnify(shape, instruction, _before, _expected, _after)
            ? null
            : _expected.DifferenceTo(_after, undefined);
    }

    private string Changes() => string.Join(", ", Enumerable.Range(0, MachineImage.Count)
        .Where(word => _before.Words[word] != _after.Words[word])
        .Select(word => $"{MachineImage.NameOf(word)}={_after.Words[word]:x}"));
}
