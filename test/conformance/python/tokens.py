"""Judgements about JWT-SVIDs, as a service makes them that runs on: keys are kept, and fetched again for one that is new."""

import json
import ssl
from urllib.request import urlopen

import jwt
from spiffe import JwtBundle, JwtSvid, TrustDomain

from verify import judged

clients = {}


def verify_token(request):
    """Asks both; the keys of the answer are the names of the judges."""
    return {
        "PyJWT": judged(with_pyjwt, request),
        "Python spiffe": judged(with_spiffe, request),
    }


def with_pyjwt(request):
    issuer, audience, token = request["issuer"], request["audience"], request["token"]
    if issuer not in clients:
        context = ssl.create_default_context(cafile=request["ca"])
        with urlopen(f"{issuer}/.well-known/openid-configuration", context=context) as answer:
            configuration = json.load(answer)
        assert configuration["issuer"] == issuer
        # The pause after which an unknown key is looked for again is its own defence, and not what is judged.
        client = jwt.PyJWKClient(configuration["jwks_uri"], ssl_context=context, cooldown_duration=0)
        clients[issuer] = client, configuration["id_token_signing_alg_values_supported"]
    client, algorithms = clients[issuer]
    key = client.get_signing_key_from_jwt(token)
    claims = jwt.decode(token, key, algorithms=algorithms, audience=audience, issuer=issuer)
    return {"spiffeId": claims["sub"]}


def with_spiffe(request):
    bundle = JwtBundle.parse(TrustDomain(request["trustDomain"]), request["keys"].encode())
    svid = JwtSvid.parse_and_validate(request["token"], bundle, {request["audience"]})
    return {"spiffeId": str(svid.spiffe_id)}
