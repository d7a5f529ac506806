// SPDX-License-Identifier: Apache-2.0

using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace KvmActors.Kvm;

/// <summary>KVM_RUN under a timer: a guest may loop for ever, and only a signal to its thread ends the call.</summary>
internal static class KvmRunThread
{
    /// <summary>EINTR: the time was over.</summary>
    public const int Interrupted = 4;

    // SIGCONT does nothing to a process that runs, and the runtime lets one handle it.
    private const int SignalContinue = 18;

    private static readonly TimeSpan s_betweenSignals = TimeSpan.FromMilliseconds(20);

    /// <param name="breakOff">Makes KVM_RUN end before the guest's next instruction; called if the time is
    /// over.</param>
    /// <returns>0, or the errno of KVM_RUN.</returns>
    public static int Run(SafeFileHandle vcpu, TimeSpan limit, Action breakOff)
    {
        int error = 0;
        bool isOver = false;
        nint id = 0;
        Thread thread = new(() =>
        {
            Volatile.Write(ref id, NativeKvm.CurrentThread());
            do
            {
                // A signal that the process got for another reason ends the call too: go on.
                error = NativeKvm.Control(vcpu, KvmRequest.Run, 0) < 0 ? NativeKvm.LastErrno : 0;
            }
            while (error == Interrupted && !Volatile.Read(ref isOver));
        })
        {
            IsBackground = true,
            Name = "KVM_RUN",
        };
        using var handler = PosixSignalRegistration.Create(
            (PosixSignal)SignalContinue, context => context.Cancel = true);
        thread.Start();
        if (!thread.Join(limit))
        {
            Volatile.Write(ref isOver, true);
            breakOff();
            do
            {
                NativeKvm.Interrupt(Volatile.Read(ref id), SignalContinue);
            }
            while (!thread.Join(s_betweenSignals));
        }

        return error;
    }
}
