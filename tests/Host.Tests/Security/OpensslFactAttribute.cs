// SPDX-License-Identifier: Apache-2.0

using System.Diagnostics;

namespace KvmActors.Host.Tests.Security;

/// <summary>A fact that needs the openssl program; skipped, with that reason, where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OpensslFactAttribute : FactAttribute
{
    private static readonly Lazy<bool> s_isThere = new(IsThere);

    public OpensslFactAttribute() => Skip = s_isThere.Value
        ? null
        : "Expected the openssl program in PATH, found none. On Debian: apt-get install openssl.";

    private static bool IsThere()
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo("openssl", ["version"])
            {
                RedirectStandardOutput = true,
            })!;
            process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // There is no such program.
            return false;
        }
    }
}
