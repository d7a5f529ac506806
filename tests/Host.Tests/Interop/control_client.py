# SPDX-License-Identifier: Apache-2.0
"""Speaks a node's control API with grpcio: a client that is not ours, from a description that it is given.

usage: control_client.py HOST:PORT DESCRIPTOR IMAGE

DESCRIPTOR is the serialized FileDescriptorProto of control.proto, so that no protoc is needed here.
Prints one JSON object with what it saw; any surprise is an exception.
"""

import json
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SERVICE = "kvmactors.control.v1.Control"


def load(path):
    """The service of the description, and a function from a message's name to its class."""
    with open(path, "rb") as source:
        proto = descriptor_pb2.FileDescriptorProto.FromString(source.read())
    pool = descriptor_pool.DescriptorPool()
    pool.Add(proto)

    def class_of(descriptor):
        if hasattr(message_factory, "GetMessageClass"):
            return message_factory.GetMessageClass(descriptor)
        return message_factory.MessageFactory(pool).GetPrototype(descriptor)

    return pool.FindServiceByName(SERVICE), class_of


class Client:
    def __init__(self, address, service, class_of, channel=None):
        self._channel = channel or grpc.insecure_channel(address)
        self._service = service
        self._class_of = class_of
        self._commands = 0

    def command(self):
        self._commands += 1
        return {"client_id": "python", "command_id": str(self._commands)}

    def call(self, method_name, timeout=60, **fields):
        method = self._service.methods_by_name[method_name]
        invoke = self._channel.unary_unary(
            f"/{SERVICE}/{method_name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=self._class_of(method.output_type).FromString,
        )
        return invoke(self._class_of(method.input_type)(**fields), timeout=timeout)

    def stream(self, method_name, timeout=120, **fields):
        method = self._service.methods_by_name[method_name]
        invoke = self._channel.unary_stream(
            f"/{SERVICE}/{method_name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=self._class_of(method.output_type).FromString,
        )
        return invoke(self._class_of(method.input_type)(**fields), timeout=timeout)

    def unknown(self):
        invoke = self._channel.unary_unary(f"/{SERVICE}/Missing", lambda m: m, lambda b: b)
        return status_of(lambda: invoke(b"", timeout=60))


def status_of(action):
    try:
        action()
        return "OK", ""
    except grpc.RpcError as fault:
        return fault.code().name, fault.details()


def main():
    address, descriptor, image = sys.argv[1:]
    client = Client(address, *load(descriptor))
    with open(image, "rb") as source:
        image_bytes = source.read()

    ping = client.call("Ping")
    creation = client.command()
    created = client.call("CreateVm", command=creation, name="py", image=image_bytes, image_name="story.elf")
    again = client.call("CreateVm", command=creation, name="py", image=image_bytes, image_name="story.elf")
    twice = status_of(lambda: client.call(
        "CreateVm", command=client.command(), name="py", image=image_bytes, image_name="story.elf"))
    started = client.call("StartVm", command=client.command(), name="py")
    client.call("SendInput", command=client.command(), name="py", data=b"k")

    console = b""
    for chunk in client.stream("Console", name="py", follow=True):
        assert chunk.offset == len(console), (chunk.offset, len(console))
        console += chunk.data
        is_last = chunk.is_last

    watched = [status.state for status in client.stream("WatchVm", name="py")]
    ended = client.call("ShowVm", name="py")
    vcpu = client.call("ShowVcpu", vcpu="py/0")
    cluster = client.call("ClusterStatus")
    client.call("CreateVm", command=client.command(), name="idle", image=image_bytes, image_name="story.elf")
    print(json.dumps({
        "node": ping.node_id,
        "created": created.state,
        "again": again.name,
        "twice": twice,
        "started": started.state,
        "console": console.decode(),
        "isLast": is_last,
        "watched": watched,
        "state": ended.state,
        "exitCode": ended.exit_code,
        "instructions": ended.instructions,
        "registers": {register.name: register.value for register in vcpu.registers},
        "leavesRead": len(vcpu.cpuid_read),
        "nodes": [node.node_id for node in cluster.nodes],
        "vms": [vm.name for vm in client.call("ListVms").vms],
        "missing": status_of(lambda: client.call("ShowVm", name="none")),
        "badName": status_of(lambda: client.call("ShowVm", name="Größe %")),
        "noCommand": status_of(lambda: client.call("PauseVm", name="py")),
        "unknown": client.unknown(),
        "late": status_of(lambda: list(client.stream("Console", timeout=0.5, name="idle", follow=True)))[0],
    }))


if __name__ == "__main__":
    main()
