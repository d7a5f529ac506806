// SPDX-License-Identifier: Apache-2.0

using KvmActors.Host.Cli;

using TerminationSignals signals = new();
return await KvmActorsProgram.RunAsync(args, CliTerminal.OfProcess(), signals.Stop).ConfigureAwait(false);
