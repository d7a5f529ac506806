// SPDX-License-Identifier: Apache-2.0

using KvmActors.Actors.Kernel;

namespace KvmActors.TestKit;

internal sealed record ProbeMessage(object Message, ActorRef? Sender);
