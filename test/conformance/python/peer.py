"""Both ends of a mutual TLS connection. The client sends a line, the server sends it back reversed."""

import os
import socket
import ssl
import sys
import threading
from pathlib import Path

from cryptography import x509
from spiffe import SpiffeId

TIMEOUT_SECONDS = 10


def context(folder, protocol):
    """Resolves ..data once, so that key, certificate and roots are of one generation. A generation that is replaced
    while it is read is gone at once: then the next one is there."""
    for tries_left in reversed(range(5)):
        generation = Path(folder, "..data").resolve()
        try:
            result = ssl.SSLContext(protocol)
            result.check_hostname = False  # The SPIFFE ID says who the other end is.
            result.verify_mode = ssl.CERT_REQUIRED
            result.verify_flags |= ssl.VERIFY_X509_STRICT
            result.load_cert_chain(generation / "credential-bundle.pem")
            result.load_verify_locations(generation / "ca.crt")
            return result
        except FileNotFoundError:
            if tries_left == 0:
                raise


def serve(folder, peer, say):
    listener = socket.create_server(("127.0.0.1", 0))
    say({"port": listener.getsockname()[1]})
    threading.Thread(target=end_with_stdin, daemon=True).start()
    while True:
        connection, _ = listener.accept()
        say(outcome(lambda: answer_one(connection, folder, peer)))


def end_with_stdin():
    """The test ends this process by closing its stdin."""
    sys.stdin.read()
    os._exit(0)


def answer_one(connection, folder, peer):
    connection.settimeout(TIMEOUT_SECONDS)
    with connection, context(folder, ssl.PROTOCOL_TLS_SERVER).wrap_socket(connection, server_side=True) as secure:
        seen = look_at(secure, peer)
        line = secure.makefile().readline().rstrip("\n")
        secure.sendall(f"{line[::-1]}\n".encode())
        return seen


def dial(folder, request):
    return outcome(lambda: dial_once(folder, request))


def dial_once(folder, request):
    client = context(folder, ssl.PROTOCOL_TLS_CLIENT)
    version = ssl.TLSVersion.TLSv1_2 if request["tls"] == "1.2" else ssl.TLSVersion.TLSv1_3
    client.minimum_version = client.maximum_version = version
    with socket.create_connection(("127.0.0.1", request["port"]), TIMEOUT_SECONDS) as connection:
        with client.wrap_socket(connection) as secure:
            seen = look_at(secure, request["peer"])
            secure.sendall(b"ping\n")
            line = secure.makefile().readline()
            if line != "gnip\n":
                raise ValueError(f"the server answered {line!r}")
            return seen


def look_at(secure, wanted):
    leaf = x509.load_der_x509_certificate(secure.getpeercert(binary_form=True))
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    (uri,) = names.get_values_for_type(x509.UniformResourceIdentifier)
    if SpiffeId(uri) != SpiffeId(wanted):
        raise ValueError(f"the peer is {uri}, not {wanted}")
    return {"spiffeId": uri, "serial": f"{leaf.serial_number:x}", "protocol": secure.version()}


def outcome(handshake):
    try:
        return {"ok": True, **handshake()}
    except Exception as error:  # Whatever goes wrong with one connection is that connection's outcome.
        return {"ok": False, "reason": str(error) or type(error).__name__}
