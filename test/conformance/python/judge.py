"""Lets Python's stacks speak about what mtlsd issues: `cryptography`, `PyJWT`, `spiffe` and the standard library's `ssl`.

    judge.py verify              requests on stdin, one JSON object a line; one answer a line
    judge.py tokens              the same, about JWT-SVIDs
    judge.py mesh                servers and clients of mutual TLS, each on a channel of its own
"""

import json
import sys
from threading import Lock

from peer import Mesh
from tokens import verify_token
from verify import verify


saying = Lock()


def say(value):
    with saying:
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
        case ["mesh"]:
            mesh = Mesh(say)
            for line in sys.stdin:
                mesh.take(json.loads(line))
        case _:
            sys.exit("usage: judge.py verify | tokens | mesh")


if __name__ == "__main__":
    main(sys.argv[1:])
