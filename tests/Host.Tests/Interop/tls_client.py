# SPDX-License-Identifier: Apache-2.0
"""Speaks a node's control API with grpcio over mutual TLS, as several people.

usage: tls_client.py HOST:PORT DESCRIPTOR IMAGE PKI FOREIGN

PKI is a folder with ca.crt, and a .crt and .key each of alice (operator) and bob (viewer); FOREIGN.crt and FOREIGN.key
are of another authority. Prints one JSON object with what it saw; any surprise is an exception.
"""

import json
import sys

import grpc
from control_client import Client, load, status_of


def read(path):
    with open(path, "rb") as source:
        return source.read()


def main():
    address, descriptor, image, pki, foreign = sys.argv[1:]
    service, class_of = load(descriptor)
    authority = read(f"{pki}/ca.crt")

    def client_of(pair):
        key, chain = (read(f"{pair}.key"), read(f"{pair}.crt")) if pair else (None, None)
        credentials = grpc.ssl_channel_credentials(authority, key, chain)
        return Client(address, service, class_of, grpc.secure_channel(address, credentials))

    alice = client_of(f"{pki}/alice")
    bob = client_of(f"{pki}/bob")
    ping = alice.call("Ping")
    created = alice.call(
        "CreateVm", command=alice.command(), name="py", image=read(image), image_name="story.elf")
    print(json.dumps({
        "operatorPings": ping.node_id,
        "operatorCreates": created.state,
        "viewerLists": [vm.name for vm in bob.call("ListVms").vms],
        "viewerStarts": status_of(lambda: bob.call("StartVm", command=bob.command(), name="py")),
        "foreignPings": status_of(lambda: client_of(foreign).call("Ping")),
        "nobodyPings": status_of(lambda: client_of(None).call("Ping")),
    }))


if __name__ == "__main__":
    main()
