# Receives Carillon's webhooks: verifies the signature, takes each message once, answers 204. Standard library only.
import base64
import hashlib
import hmac
import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
TOLERANCE_SECONDS = 300


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


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        if not verified(self.headers, raw):
            return self.answer(401)
        message_id = self.headers["webhook-id"]
        if message_id not in seen:
            print(f"took {message_id}: {json.loads(raw)['content']['type']}", flush=True)
            seen.add(message_id)
        # Also when it was here before: that is what makes a second post harmless.
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("", int(os.environ.get("PORT", 9000))), Receiver)
print(f"listening on {server.server_port}", flush=True)
server.serve_forever()
