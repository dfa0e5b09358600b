"""Both ends of a mutual TLS connection. The client sends a line, the server sends it back reversed."""

import socket
import ssl
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


class Mesh:
    """Ends of mutual TLS in one process. A request names its channel, and so does each answer to it.

    serve FOLDER, peer ID               a server that admits that SPIFFE ID alone: its port, then each handshake
    dial FOLDER, port, peer ID, tls     one handshake
    close                               ends the server of the channel

    FOLDER is what mtlsd writes for one identity. It is read again for every handshake.
    """

    def __init__(self, say):
        self.say = say
        self.listeners = {}

    def take(self, request):
        match request:
            case {"channel": channel, "serve": folder, "peer": peer}:
                listener = self.listeners[channel] = socket.create_server(("127.0.0.1", 0))
                self.say({"channel": channel, "port": listener.getsockname()[1]})
                start(self.serve, channel, listener, folder, peer)
            case {"channel": channel, "dial": folder}:
                start(self.answer, channel, lambda: dial_once(folder, request))
            case {"channel": channel, "close": True}:
                # A thread that waits in accept() is woken by this, and not by close().
                self.listeners.pop(channel).shutdown(socket.SHUT_RDWR)

    def serve(self, channel, listener, folder, peer):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # It was closed.
                return listener.close()
            self.answer(channel, lambda: answer_one(connection, folder, peer))

    def answer(self, channel, handshake):
        self.say({"channel": channel, **outcome(handshake)})


def start(work, *arguments):
    threading.Thread(target=work, args=arguments, daemon=True).start()


def answer_one(connection, folder, peer):
    connection.settimeout(TIMEOUT_SECONDS)
    with connection, context(folder, ssl.PROTOCOL_TLS_SERVER).wrap_socket(connection, server_side=True) as secure:
        seen = look_at(secure, peer)
        line = secure.makefile().readline().rstrip("\n")
        secure.sendall(f"{line[::-1]}\n".encode())
        return seen


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
