"""A server on this machine alone that zips, as the hosts of static sites do."""

import gzip
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Zipping(SimpleHTTPRequestHandler):
    """Serves a folder, text zipped, and counts what it sends."""

    protocol_version = "HTTP/1.1"  # a connection serves more than one request, as with any host

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            return self.send_error(404)
        body = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        if path.suffix in (".html", ".css", ".js", ".mjs", ".svg", ".json"):
            body = gzip.compress(body, 9)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.server.sent += len(body)

    def log_message(self, *args):
        pass


def serve(folder):
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Zipping, directory=folder))
    server.sent = 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
