// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Machine.Loaders;

/// <summary>An image cannot be booted. The message says what was expected, what was found and what to do, and is meant
/// for the person who gave the image.</summary>
public sealed class BootImageException : Exception
{
    public BootImageException(string message)
        : base(message)
    {
    }

    public BootImageException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public BootImageException()
    {
    }

    internal static BootImageException Of(string expected, string found, string remedy) =>
        new($"Expected {expected}, found {found}. {remedy}");
}
