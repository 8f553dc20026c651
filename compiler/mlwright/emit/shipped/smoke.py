"""Sends one request to an endpoint; fails unless its status is the expected one: URL FILE TYPE STATUS SECONDS [WAIT].

For WAIT seconds it asks again where nobody answers at all. With MLWRIGHT_UNVERIFIED it takes any certificate."""

import os
import ssl
import sys
import time
import urllib.error
import urllib.request


def main(url: str, path: str, kind: str, status: str, seconds: str, wait: str = "0") -> int:
    """Print the answer; 0 when its status is the expected one, else 1."""
    with open(path, "rb") as file:
        body = file.read()
    request = urllib.request.Request(url, data=body, headers={"Content-Type": kind})
    trust = ssl._create_unverified_context() if os.environ.get("MLWRIGHT_UNVERIFIED") else None
    end = time.monotonic() + float(wait)
    while True:
        try:
            with urllib.request.urlopen(request, timeout=float(seconds), context=trust) as answer:
                found, text = answer.status, answer.read()
            break
        except urllib.error.HTTPError as error:
            found, text = error.code, error.read()
            break
        except OSError as error:
            if time.monotonic() >= end:
                sys.stderr.write(f"{url} cannot be reached: {error}\n")
                return 1
        time.sleep(1)
    sys.stdout.write(text.decode("utf-8", "replace") + "\n")
    if found == int(status):
        return 0
    sys.stderr.write(f"{url} answered {found}, not {status}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:7]))
