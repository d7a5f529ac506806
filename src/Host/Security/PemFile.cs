// SPDX-License-Identifier: Apache-2.0

using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace KvmActors.Host.Security;

/// <summary>Reads and writes certificates and private keys as PEM files.</summary>
internal static class PemFile
{
    /// <summary>A certificate has some hundred bytes; a bundle of authorities some thousand.</summary>
    private const int BytesMax = 256 * 1024;

    private const UnixFileMode OwnerAlone = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private const UnixFileMode Everybody = OwnerAlone | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private const UnixFileMode TooOpen =
        UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.GroupWrite;

    /// <summary>All certificates of a file, the first one first.</summary>
    /// <param name="whose">Where the path was given: "tls.ca", "--ca".</param>
    /// <exception cref="CliFault">There is none, or the file cannot be read.</exception>
    public static X509Certificate2Collection ReadCertificates(string path, string whose)
    {
        string text = ReadText(path, "a certificate", whose);
        X509Certificate2Collection found = [];
        try
        {
            found.ImportFromPem(text);
        }
        catch (CryptographicException fault)
        {
            throw new CliFault(
                $"Expected a certificate in PEM at {path} ({whose}), found one that does not read: {fault.Message} "
                + "Is the file cut off?",
                fault);
        }

        return found.Count > 0
            ? found
            : throw new CliFault(
                $"Expected a certificate in PEM (BEGIN CERTIFICATE) at {path} ({whose}), found {KindOf(text)}. "
                + "Name the .crt file.");
    }

    /// <summary>A certificate together with its private key.</summary>
    /// <exception cref="CliFault">One of them is missing, does not read, is open to others, or another's.</exception>
    public static X509Certificate2 ReadWithKey(
        string certificatePath, string keyPath, string whoseCertificate, string whoseKey)
    {
        using X509Certificate2 certificate = ReadCertificates(certificatePath, whoseCertificate)[0];
        string key = ReadText(keyPath, "a private key", whoseKey);
        CheckMode(keyPath, whoseKey);
        if (key.Contains("BEGIN ENCRYPTED", StringComparison.Ordinal))
        {
            throw new CliFault(
                $"Expected a private key without a password at {keyPath} ({whoseKey}), found an encrypted one. "
                + "Nobody is there to type it: decrypt it with openssl pkey, and chmod 600 what comes out.");
        }

        if (!key.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
        {
            throw new CliFault(
                $"Expected a private key in PEM (BEGIN PRIVATE KEY) at {keyPath} ({whoseKey}), found {KindOf(key)}. "
                + "Name the .key file.");
        }

        try
        {
            return X509Certificate2.CreateFromPem(certificate.ExportCertificatePem(), key);
        }
        catch (Exception fault) when (fault is CryptographicException or ArgumentException)
        {
            throw new CliFault(
                $"Expected the private key of {certificatePath} at {keyPath} ({whoseKey}), found another's or a broken "
                + "one. Certificate and key come in pairs: name the two that were made together.",
                fault);
        }
    }

    /// <summary>A file that all may read.</summary>
    /// <exception cref="CliFault">It is there already, or cannot be written.</exception>
    public static void WriteCertificate(string path, X509Certificate2 certificate) =>
        Write(path, certificate.ExportCertificatePem(), Everybody);

    /// <summary>A file that its owner alone may read, from its first byte on.</summary>
    /// <inheritdoc cref="WriteCertificate"/>
    public static void WriteKey(string path, X509Certificate2 certificate)
    {
        using ECDsa key = certificate.GetECDsaPrivateKey()!;
        Write(path, key.ExportPkcs8PrivateKeyPem(), OwnerAlone);
    }

    /// <summary>A folder that its owner alone may enter, if there is none yet.</summary>
    /// <exception cref="CliFault">It cannot be made.</exception>
    public static void CreateFolder(string path)
    {
        try
        {
            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(path);
            }
            else
            {
                Directory.CreateDirectory(path, OwnerAlone | UnixFileMode.UserExecute);
            }
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CliFault($"Expected to make the folder \"{path}\", found: {fault.Message}", fault);
        }
    }

    private static void Write(string path, string text, UnixFileMode mode)
    {
        try
        {
            FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = mode;
            }

            using FileStream stream = new(path, options);
            using StreamWriter writer = new(stream);
            writer.Write(text);
            writer.Write('\n');
            writer.Flush();
            stream.Flush(flushToDisk: true);
        }
        catch (IOException fault) when (File.Exists(path))
        {
            throw Exists(path, fault);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CliFault($"Expected to write {path}, found: {fault.Message} Name a folder you can write.", fault);
        }
    }

    public static CliFault Exists(string path, Exception? inner = null) => new(
        $"Expected no file at {path}, found one, and what it signed or opens would be lost with it. "
        + "Choose another name or --dir, or move it away.",
        inner);

    private static string ReadText(string path, string what, string whose)
    {
        try
        {
            FileInfo file = new(path);
            if (file.Exists && file.Length > BytesMax)
            {
                throw new CliFault(
                    $"Expected {what} at {path} ({whose}), found a file of {file.Length} bytes. Name another.");
            }

            return File.ReadAllText(path);
        }
        catch (Exception fault) when (fault is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CliFault(
                $"Expected {what} at {path} ({whose}), found no such file. Make one with kvmactors cert, or name "
                + "another.",
                fault);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CliFault(
                $"Expected {what} at \"{path}\" ({whose}), found none that can be read: {fault.Message}", fault);
        }
    }

    private static void CheckMode(string path, string whose)
    {
        UnixFileMode mode = OperatingSystem.IsWindows() ? OwnerAlone : File.GetUnixFileMode(path);
        if ((mode & TooOpen) != 0)
        {
            string octal = Convert.ToString((int)mode, toBase: 8);
            throw new CliFault(
                $"Expected a private key that nobody else reads at {path} ({whose}), found permissions {octal}. "
                + $"Close it with: chmod 600 {path}");
        }
    }

    private static string KindOf(string text) =>
        text.Contains("BEGIN CERTIFICATE-----", StringComparison.Ordinal) ? "a certificate"
        : text.Contains("PRIVATE KEY-----", StringComparison.Ordinal) ? "a private key"
        : text.Contains("BEGIN CERTIFICATE REQUEST", StringComparison.Ordinal) ? "a request for a certificate"
        : "neither certificate nor key";
}
