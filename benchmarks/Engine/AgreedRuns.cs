// SPDX-License-Identifier: Apache-2.0

using KvmActors.Benchmarks.Engine.Engines;
using KvmActors.Benchmarks.Engine.Guests;

namespace KvmActors.Benchmarks.Engine;

/// <summary>The runs of one program, whoever makes them: the same rounds give the same result, and the same count of
/// instructions where they are counted.</summary>
internal sealed class AgreedRuns(GuestProgram program)
{
    private readonly Dictionary<uint, byte[]> _images = [];
    private readonly Dictionary<uint, (string By, string Result)> _results = [];
    private readonly Dictionary<uint, ulong> _instructions = [];

    /// <returns>The processor time in seconds.</returns>
    /// <exception cref="InvalidOperationException">An engine does not agree with those before it.</exception>
    public double Run(IGuestEngine engine, uint rounds)
    {
        GuestRun run = engine.Run(Image(rounds));
        _ = _results.TryAdd(rounds, (engine.Name, run.Result));
        (string by, string result) = _results[rounds];
        if (run.Result != result)
        {
            throw new InvalidOperationException(
                $"{program.Name}, {rounds} rounds: expected the result {result} of {by}, found {run.Result} of "
                + $"{engine.Name}.");
        }

        if (run.Instructions != 0 && !_instructions.TryAdd(rounds, run.Instructions)
            && _instructions[rounds] != run.Instructions)
        {
            throw new InvalidOperationException(
                $"{program.Name}, {rounds} rounds: expected {_instructions[rounds]} instructions, found "
                + $"{run.Instructions} of {engine.Name}.");
        }

        return run.CpuSeconds;
    }

    public int ImageBytes(uint rounds) => Image(rounds).Length;

    private byte[] Image(uint rounds)
    {
        if (!_images.TryGetValue(rounds, out byte[]? image))
        {
            image = GuestImage.Build(program, rounds);
            _images[rounds] = image;
            if (program.Plain is { } plain)
            {
                _results[rounds] = ("plain C#", plain(rounds).ToString("x16"));
            }
        }

        return image;
    }

    /// <summary>Of a run that was made by an engine of ours.</summary>
    public ulong Instructions(uint rounds) => _instructions[rounds];
}
