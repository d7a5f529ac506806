// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;

namespace KvmActors.Host.Tests.Interop;

/// <summary>A fact that needs a Python with grpcio and protobuf; skipped, with that reason, where there is
/// none.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class GrpcioFactAttribute : FactAttribute
{
    private static readonly Lazy<string?> s_python = new(FindPython);

    public GrpcioFactAttribute() => Skip = Python is null
        ? "Expected a python3 with grpcio and protobuf, found none. On Debian: python3-grpcio and python3-protobuf."
        : null;

    /// <summary>The distribution's Python first: another one in PATH may not have its packages.</summary>
    public static string? Python => s_python.Value;

    private static string? FindPython()
    {
        foreach (string candidate in (string[])["/usr/bin/python3", "python3"])
        {
            try
            {
                string[] arguments = ["-c", "import grpc, google.protobuf"];
                using Process process = Process.Start(new ProcessStartInfo(candidate, arguments)
                {
                    RedirectStandardError = true,
                })!;
                process.StandardError.ReadToEnd();
                process.WaitForExit();
                if (process.ExitCode == 0)
                {
                    return candidate;
                }
            }
            catch (System.ComponentModel.Win32Exception)
            {
                // There is no such program.
            }
        }

        return null;
    }
}
