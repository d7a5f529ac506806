// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;
using System.Globalization;
using KvmActors.Benchmarks.Engine.Engines;
using KvmActors.Benchmarks.Engine.Guests;
using KvmActors.Benchmarks.Parts;

namespace KvmActors.Benchmarks.Engine;

/// <summary>From the start of a process to the first byte that its guest puts on the serial port.</summary>
internal static class FirstByte
{
    private const double MillisecondsMax = 300;

    /// <param name="folder">For the image.</param>
    public static Measured Measure(string folder, bool withQemu, int rounds)
    {
        string kernel = Path.Combine(folder, "first.bin");
        File.WriteAllBytes(kernel, SmallGuests.Printing());
        string program = Path.Combine(AppContext.BaseDirectory, "kvmactors");
        string[] arguments = ["run", kernel];
        string[] qemu = [.. QemuEngine.Arguments(kernel, "stdio")];
        _ = Milliseconds(program, arguments);
        double[] ours = new double[rounds];
        double[] theirs = new double[rounds];
        for (int round = 0; round < rounds; round++)
        {
            ours[round] = Milliseconds(program, arguments);
            theirs[round] = withQemu ? Milliseconds(QemuEngine.Program, qemu) : 0;
        }

        double median = Median.Of(ours);
        return new Measured(
            "start of `kvmactors run` to the guest's first byte, wall clock",
            $"{MillisecondsMax:0} ms",
            string.Create(CultureInfo.InvariantCulture, $"{median:0} ms"),
            withQemu ? string.Create(CultureInfo.InvariantCulture, $"{Median.Of(theirs):0} ms") : "",
            median <= MillisecondsMax);
    }

    private static double Milliseconds(string program, IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
            RedirectStandardError = true,
        };
        long began = Stopwatch.GetTimestamp();
        using Process process = Process.Start(start)!;
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginErrorReadLine();
        int first = process.StandardOutput.BaseStream.ReadByte();
        double took = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
        _ = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return first >= 0
            ? took
            : throw new InvalidOperationException(
                $"Expected {program} to put out a byte, found the end; its exit code is {process.ExitCode}.");
    }
}
