// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Host.Configuration;

/// <summary>Keys below <c>kvmactors.mailbox</c>; <c>hocon/reference.conf</c> tells what each means.</summary>
internal sealed record MailboxOptions(int CommandsMax, int ControlsMax);
