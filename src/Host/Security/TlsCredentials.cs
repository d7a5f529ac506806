// SPDX-License-Identifier: Apache-2.0

using Microsoft.Extensions.Logging;

namespace KvmActors.Host.Security;

/// <summary>The files of <see cref="TlsFiles"/>, read again when they change, so that a renewed certificate needs no
/// restart. What does not read leaves the last good ones in force, and is logged.</summary>
/// <remarks>Any thread. Connections that are there keep what they were made with, until it expires or is revoked.
/// </remarks>
internal sealed class TlsCredentials
{
    /// <summary>The files are looked at this often at most.</summary>
    public static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    /// <summary>A certificate that is over sooner is told of in the log, once a day.</summary>
    private static readonly TimeSpan s_warnBefore = TimeSpan.FromDays(14);

    private static readonly TimeSpan s_warnEvery = TimeSpan.FromDays(1);

    private readonly TlsFiles _files;
    private readonly string? _revokedFile;
    private readonly TlsWords _words;
    private readonly string? _nodeName;
    private readonly TimeProvider _clock;
    private readonly ILogger? _log;
    private readonly Lock _lock = new();
    private TlsMaterial _material;
    private (DateTime Written, long Length)[] _stamps;
    private long _lookedAt;
    private DateTimeOffset _warnedAt = DateTimeOffset.MinValue;

    private TlsCredentials(
        TlsFiles files, string? revokedFile, TlsWords words, string? nodeName, TimeProvider clock, ILogger? log)
    {
        _files = files;
        _revokedFile = revokedFile;
        _words = words;
        _nodeName = nodeName;
        _clock = clock;
        _log = log;
        _stamps = Stamps();
        _lookedAt = clock.GetTimestamp();
        _material = ReadChecked();
        WarnOfEnd();
    }

    public TimeProvider Clock => _clock;

    /// <summary>What holds now.</summary>
    public TlsMaterial Current
    {
        get
        {
            lock (_lock)
            {
                if (_clock.GetElapsedTime(_lookedAt) >= LookEvery)
                {
                    _lookedAt = _clock.GetTimestamp();
                    ReadAgain();
                    WarnOfEnd();
                }

                return _material;
            }
        }
    }

    /// <summary>A node's: its certificate must be valid, of role node, and of its name.</summary>
    /// <exception cref="CliFault">It is not, or a file is not what it should be.</exception>
    public static TlsCredentials OfNode(
        TlsFiles files, string? revokedFile, string nodeName, TimeProvider clock, ILogger log) =>
        new(files, revokedFile, TlsWords.Configuration, nodeName, clock, log);

    /// <summary>A client's. Whether its certificate is good, the node decides.</summary>
    /// <exception cref="CliFault">A file is not what it should be.</exception>
    public static TlsCredentials OfClient(TlsFiles files, TimeProvider clock) =>
        new(files, revokedFile: null, TlsWords.Options, nodeName: null, clock, log: null);

    private void ReadAgain()
    {
        (DateTime, long)[] stamps = Stamps();
        if (stamps.SequenceEqual(_stamps))
        {
            return;
        }

        _stamps = stamps;
        try
        {
            _material = ReadChecked();
            _log?.CertificateReadAgain(_files.Certificate, CertificateCheck.TextOf(_material.Own[0].NotAfter));
        }
        catch (CliFault fault)
        {
            _log?.CertificateKept(_files.Certificate, fault.Message);
        }
    }

    private void WarnOfEnd()
    {
        DateTimeOffset now = _clock.GetUtcNow();
        DateTimeOffset end = _material.Own[0].NotAfter;
        if (_log is not null && end - now < s_warnBefore && now - _warnedAt >= s_warnEvery)
        {
            _warnedAt = now;
            _log.CertificateEnds(_files.Certificate, CertificateCheck.TextOf(end));
        }
    }

    private TlsMaterial ReadChecked()
    {
        var material = TlsMaterial.Read(_files, _revokedFile, _words);
        if (_nodeName is null)
        {
            return material;
        }

        CertificateVerdict verdict = material.JudgeOwn(asServer: true, _clock.GetUtcNow());
        CertificateIdentity expected = new(CertificateRole.Node, _nodeName);
        return verdict switch
        {
            CertificateVerdict.Accepted accepted when accepted.Identity == expected => material,
            CertificateVerdict.Accepted accepted => throw new CliFault(
                $"Expected a certificate of {expected} at {_files.Certificate} ({_words.Certificate}), found one of "
                + $"{accepted.Identity}. Name this node's, or make it with: kvmactors cert node {_nodeName}"),
            CertificateVerdict.Refused refused => throw new CliFault(
                $"{_files.Certificate} ({_words.Certificate}): {refused.Reason}"),
            _ => throw new InvalidOperationException($"Expected a verdict, found {verdict}."),
        };
    }

    private (DateTime Written, long Length)[] Stamps()
    {
        string?[] paths = [_files.Certificate, _files.Key, _files.Authority, _revokedFile];
        return
        [
            .. paths.OfType<string>().Select(path => new FileInfo(path)).Select(
                file => file.Exists ? (file.LastWriteTimeUtc, file.Length) : (default, -1)),
        ];
    }
}
