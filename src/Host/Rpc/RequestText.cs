// SPDX-License-Identifier: Apache-2.0

using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using KvmActors.Host.Security;

namespace KvmActors.Host.Rpc;

/// <summary>What a request is about, for a log: its name or vCPU, and the ids of its command.</summary>
internal static class RequestText
{
    /// <returns>Such as " web (client-7/3)"; nothing where the request has neither.</returns>
    public static string Of(object request)
    {
        if (request is not IMessage message)
        {
            return "";
        }

        string about = TextOf(message, "name") is { Length: > 0 } name ? name : TextOf(message, "vcpu");
        string command = message.Descriptor.FindFieldByName("command") is { FieldType: FieldType.Message } field
            && field.Accessor.GetValue(message) is IMessage ids
                ? $"{TextOf(ids, "client_id")}/{TextOf(ids, "command_id")}"
                : "";
        return (about.Length > 0 ? $" {about}" : "") + (command.Length > 0 ? $" ({command})" : "");
    }

    /// <summary>It was not checked yet: a stranger's text must not write lines into a log.</summary>
    private static string TextOf(IMessage message, string field) => CertificateCheck.Visible(
        message.Descriptor.FindFieldByName(field) is { FieldType: FieldType.String } found
            ? Convert.ToString(found.Accessor.GetValue(message), CultureInfo.InvariantCulture) ?? ""
            : "");
}
