"""Judgements without a handshake."""

from datetime import datetime, timezone
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store
from spiffe import X509Svid


def verify(request):
    """Asks both; the keys of the answer are the names of the judges."""
    return {
        "Python cryptography": judged(with_cryptography, request),
        "Python spiffe": judged(with_spiffe, request),
    }


def judged(judge, request):
    try:
        return {"ok": True, **judge(request)}
    except Exception as error:  # A judge may refuse in any way that it likes.
        return {"ok": False, "reason": str(error) or type(error).__name__}


def with_cryptography(request):
    leaf, *intermediates = x509.load_pem_x509_certificates(Path(request["chain"]).read_bytes())
    store = Store(x509.load_pem_x509_certificates(Path(request["roots"]).read_bytes()))
    at = request["at"]
    time = datetime.fromtimestamp(at, timezone.utc) if at else datetime.now(timezone.utc)
    policy = PolicyBuilder().store(store).time(time)
    policy.build_client_verifier().verify(leaf, intermediates)
    # A server is validated for one of its names; a leaf without a DNS name has none that this library knows.
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    for name in names.get_values_for_type(x509.DNSName):
        policy.build_server_verifier(x509.DNSName(name)).verify(leaf, intermediates)
    return {}


def with_spiffe(request):
    return {"spiffeId": spiffe_id(Path(request["chain"]).read_bytes(), Path(request["key"]).read_bytes())}


@cache
def spiffe_id(chain, key):
    """
    The package parses and checks what the Workload API hands over; trust in a chain is not its part, so that the same
    bytes before another bundle need not be parsed again, which takes a long look at an RSA key.
    """
    return str(X509Svid.parse(chain, key).spiffe_id)
