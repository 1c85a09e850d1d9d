"""Schedules a message with nothing but the standard library: the NATS protocol is a few lines of text.

For a server without users: a seed (NATS_NKEY) signs with Ed25519, which the standard library has not.
"""
import json
import os
import secrets
import socket
import sys
import time
from urllib.parse import urlparse

# The id is yours, and the same when you run it again: only so is there one message, whatever became of the first try.
if len(sys.argv) < 3:
    print("usage: schedule_stdlib.py ID DUE_AT [CHAT_ID], say appt-4711 2030-01-01T09:00:00Z", file=sys.stderr)
    sys.exit(2)
message_id, due_at, chat_id = (sys.argv[1:] + ["123456789"])[:3]

command = json.dumps(
    {
        "id": message_id,
        "platform": "telegram",
        "recipient": {"chatId": chat_id},
        "content": {"type": "text", "text": "Hello from Python"},
        "dueAt": due_at,
    }
).encode()


def acknowledged(server):
    """What the stream says to it: a place in it, or an error. Without a stream nobody says anything."""
    with socket.create_connection((server.hostname, server.port or 4222), timeout=10) as connection:
        lines = connection.makefile("rb")
        assert lines.readline().startswith(b"INFO")
        inbox = b"_INBOX.py." + secrets.token_hex(8).encode()
        connection.sendall(b'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\nSUB %s 1\r\n' % inbox)
        connection.sendall(b"PUB carillon.command.schedule %s %d\r\n%s\r\n" % (inbox, len(command), command))
        for line in lines:
            if line.startswith(b"-ERR"):
                sys.exit(line.decode())
            if line.startswith(b"PING"):
                connection.sendall(b"PONG\r\n")
            if line.startswith(b"NATS/1.0 503"):
                return {"error": "no stream takes it in"}
            if line.startswith(b"{"):
                return json.loads(line)
    return {"error": "the server went away"}


for attempt in range(4):
    try:
        # The same bytes again if there is no answer: they may have arrived, and the id makes that harmless.
        answer = acknowledged(urlparse(os.environ.get("NATS_URL", "nats://127.0.0.1:4222")))
    except OSError as error:
        answer = {"error": str(error)}
    if "error" not in answer:
        print(f"{message_id}: stored as message {answer['seq']} of {answer['stream']}")
        sys.exit()
    print(f"{message_id}: {answer['error']}", file=sys.stderr)
    time.sleep(1)
sys.exit(f"{message_id}: not known to be stored: run this again with the same ID")
