"""A transformer: answers every request with the three columns that the model knows."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer

COLUMNS = ("months", "calls", "price")


class Handler(BaseHTTPRequestHandler):
    """Leaves other columns out of `instances`."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        rows = [{name: row[name] for name in COLUMNS} for row in body["instances"]]
        answer = json.dumps({"instances": rows}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


HTTPServer(("", 8081), Handler).serve_forever()
