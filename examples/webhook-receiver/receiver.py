# Receives Carillon's webhooks: verifies the signature, takes each message once, answers 204. Standard library only.
import base64
import hashlib
import hmac
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

try:
    KEY = base64.b64decode(os.environ.get("WEBHOOK_SECRET", "").removeprefix("whsec_"))
except ValueError:
    KEY = b""
if len(KEY) < 24:
    # With an empty key anybody could sign.
    print("WEBHOOK_SECRET must be that of the sender: whsec_ and 24 bytes or more in base64", file=sys.stderr)
    sys.exit(2)
TOLERANCE_SECONDS = 300
MOST_BYTES = 1_048_576  # far more than any message has


def verified(headers, raw):
    """`raw` is the body as it came: parsed and written again it is another one."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    signed = f"{message_id}.{timestamp}.".encode() + raw
    expected = "v1," + base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    signatures = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(signature.encode(), expected.encode()) for signature in signatures)


# Yours is a table with the id as its key, written in the same transaction as what the message sets off.
seen = set()
# Posts come side by side, the same one too.
taking = threading.Lock()


class Receiver(BaseHTTPRequestHandler):
    timeout = 30  # of waiting for the rest of a post

    def do_POST(self):
        length = self.headers.get("content-length", "")
        if not length.isdigit():
            return self.answer(400)
        if int(length) > MOST_BYTES:
            return self.answer(413)
        raw = self.rfile.read(int(length))
        if not verified(self.headers, raw):
            return self.answer(401)
        message_id = self.headers["webhook-id"]
        try:
            kind = json.loads(raw)["content"]["type"]
        except (ValueError, KeyError, TypeError):
            return self.answer(400)
        with taking:
            if message_id not in seen:
                print(f"took {message_id}: {kind}", flush=True)
                seen.add(message_id)
        # Also when it was here before: that is what makes a second post harmless.
        self.answer(204)

    def answer(self, status):
        try:
            self.send_response(status)
            self.end_headers()
        except OSError:
            pass  # who asked has left

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("", int(os.environ.get("PORT", 9000))), Receiver)
print(f"listening on {server.server_port}", flush=True)
server.serve_forever()
