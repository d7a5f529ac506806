// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Actors.Migration;

/// <summary>How a page travels: the form in its record of a <see cref="PageBatch"/>. Numbers are never changed or used
/// again.</summary>
public enum PageForm
{
    /// <summary>Its 4096 bytes, or none where all are zero.</summary>
    Raw = 0,

    /// <summary>RFC 7932.</summary>
    Brotli = 1,

    /// <summary>As another page of the guest is on the target by then.</summary>
    SameAs = 2,
}
