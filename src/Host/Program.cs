// SPDX-License-Identifier: Apache-2.0

Console.Error.WriteLine("kvmactors: no verb is built yet.");
return 2;
