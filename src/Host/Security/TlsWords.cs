// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Security;

/// <summary>What messages call the places where the files were named.</summary>
internal sealed record TlsWords(string Certificate, string Key, string Authority)
{
    /// <summary>A node's configuration.</summary>
    public static TlsWords Configuration { get; } = new("tls.certificate", "tls.key", "tls.ca");

    /// <summary>A verb's options.</summary>
    public static TlsWords Options { get; } = new("--cert", "--key", "--ca");
}
