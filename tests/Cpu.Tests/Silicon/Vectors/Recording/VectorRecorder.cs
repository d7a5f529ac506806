// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Cpu.Tests.Silicon.Vectors.Recording;

/// <summary>Executes shapes on the host's CPU and writes down what it did.</summary>
internal sealed class VectorRecorder(NativeCpu native, VectorPools pools)
{
    private const byte PageFault = 14;
    private const int RepeatedCount = 2;

    private readonly VectorInputs _inputs = new(pools);
    private readonly MachineImage _before = new();
    private readonly MachineImage _after = new();
    private readonly MachineImage _again = new();

    /// <summary>Shapes that the CPU does not execute the same way twice, or in which it left the block.</summary>
    public List<string> Refused { get; } = [];

    public VectorFile Record(IEnumerable<VectorShape> shapes, IReadOnlyList<string> header)
    {
        List<VectorShape> recorded = [];
        using MemoryStream statuses = new();
        using MemoryStream digests = new();
        using MemoryStream fulls = new();
        using BinaryWriter digestWriter = new(digests);
        using BinaryWriter fullWriter = new(fulls);
        foreach (VectorShape shape in shapes)
        {
            shape.Index = recorded.Count;
            native.BeginVectors();
            try
            {
                if (TryRecord(shape, statuses, digestWriter, fullWriter))
                {
                    recorded.Add(shape);
                }
            }
            finally
            {
                native.EndVectors();
            }
        }

        return new VectorFile
        {
            Header = header,
            Shapes = recorded,
            Statuses = statuses.ToArray(),
            Digests = digests.ToArray(),
            Fulls = fulls.ToArray(),
            InputDigest = VectorData.InputDigest(recorded, pools),
        };
    }

    private bool TryRecord(VectorShape shape, Stream statuses, BinaryWriter digests, BinaryWriter fulls)
    {
        native.Prepare(shape);
        if (WhyNot(shape) is { } whyNot)
        {
            Refused.Add($"{shape}: {whyNot}");
            return false;
        }

        for (int number = 0; number < shape.Count; number++)
        {
            Execute(shape, number, _after);
            statuses.WriteByte(_after.Status);
            VectorFile.WriteDigest(digests, MachineImage.Digest(_before, _after));
            if (number < shape.FullCount)
            {
                VectorFile.WriteFull(fulls, _before, _after);
            }
        }

        return true;
    }

    private void Execute(VectorShape shape, int number, MachineImage after)
    {
        _inputs.Fill(shape, number, _before);
        native.Execute(_before, after);
    }

    private string? WhyNot(VectorShape shape)
    {
        for (int number = 0; number < RepeatedCount; number++)
        {
            Execute(shape, number, _after);
            Execute(shape, number, _again);
            if (_after.DifferenceTo(_again, 0) is { } difference)
            {
                return $"twice the same gives: {difference}";
            }

            bool isOfMemory = _after.Fault is 12 or 13 or PageFault;
            ReadOnlySpan<ulong> fpuBefore = _before.Words.AsSpan(MachineImage.Fx, 3);
            if (isOfMemory && !fpuBefore.SequenceEqual(_after.Words.AsSpan(MachineImage.Fx, 3)))
            {
                return "a fault of its memory operand changes x87 state, which is this maker's own";
            }

            if (_after.Fault == PageFault
                && _after.Words[MachineImage.Cr2] - VectorLayout.BlockBase >= SiliconLayout.SizeBytes)
            {
                return $"it reaches {_after.Words[MachineImage.Cr2]:x}";
            }
        }

        return null;
    }
}
