// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Debug;

/// <summary>A VM of a cluster that is let run, and held, while a debugger follows its journal.</summary>
internal interface ILiveVm
{
    /// <summary>Lets it run on, or starts it. One that runs, or can run no more, is left as it is.</summary>
    Task ReleaseAsync(CancellationToken stop);

    /// <summary>Pauses it, so that its journal tells all it has done. One that does not run is left as it is.</summary>
    Task HoldAsync(CancellationToken stop);
}
