"""Lets Python's stacks speak about what mtlsd issues: `cryptography`, `PyJWT`, `spiffe` and the standard library's `ssl`.

    judge.py verify              requests on stdin, one JSON object a line; one answer a line
    judge.py tokens              the same, about JWT-SVIDs
    judge.py serve FOLDER PEER   a mutual TLS server that admits the SPIFFE ID PEER alone
    judge.py dial FOLDER         a mutual TLS client: one handshake for each line on stdin

FOLDER is what mtlsd writes for one identity. It is read again for every handshake.
"""

import json
import sys

from peer import dial, serve
from tokens import verify_token
from verify import verify


def say(value):
    print(json.dumps(value), flush=True)


def each_line(answer):
    for line in sys.stdin:
        say(answer(json.loads(line)))


def main(arguments):
    match arguments:
        case ["verify"]:
            each_line(verify)
        case ["tokens"]:
            each_line(verify_token)
        case ["serve", folder, peer]:
            serve(folder, peer, say)
        case ["dial", folder]:
            each_line(lambda request: dial(folder, request))
        case _:
            sys.exit("usage: judge.py verify | tokens | serve FOLDER PEER | dial FOLDER")


if __name__ == "__main__":
    main(sys.argv[1:])
