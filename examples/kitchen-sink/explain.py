"""An explainer: answers every request with the share of each column in the sum."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer

COLUMNS = ("months", "calls", "price")


def shares(row: dict[str, float]) -> dict[str, float]:
    """Each column's part of the row's sum."""
    whole = sum(row[name] for name in COLUMNS) or 1
    return {name: row[name] / whole for name in COLUMNS}


class Handler(BaseHTTPRequestHandler):
    """Explains each row of `instances`."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        rows = [shares(row) for row in body["instances"]]
        answer = json.dumps({"explanations": rows}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


HTTPServer(("", 8080), Handler).serve_forever()
