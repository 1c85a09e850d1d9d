"""Schedules a message with nothing but the standard library: the NATS protocol is a few lines of text.

For a server without users: a seed (NATS_NKEY) signs with Ed25519, which the standard library has not.
"""
import json
import os
import socket
import sys
import time
from datetime import datetime, timedelta, timezone
from urllib.parse import urlparse

in_a_minute = (datetime.now(timezone.utc) + timedelta(minutes=1)).isoformat().replace("+00:00", "Z")
defaults = [f"py-{time.time_ns()}", in_a_minute, "123456789"]
message_id, due_at, chat_id = sys.argv[1:] + defaults[len(sys.argv) - 1 :]

command = json.dumps(
    {
        "id": message_id,
        "platform": "telegram",
        "recipient": {"chatId": chat_id},
        "content": {"type": "text", "text": "Hello from Python"},
        "dueAt": due_at,
    }
).encode()

server = urlparse(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"))
with socket.create_connection((server.hostname, server.port or 4222), timeout=10) as connection:
    lines = connection.makefile("rb")
    assert lines.readline().startswith(b"INFO")
    connection.sendall(b'CONNECT {"verbose":false}\r\n')
    connection.sendall(b"PUB carillon.command.schedule %d\r\n%s\r\nPING\r\n" % (len(command), command))
    for line in lines:
        if line.startswith(b"-ERR"):
            sys.exit(line.decode())
        if line.startswith(b"PONG"):  # the server has taken in everything before it
            break
print(f"{message_id}: published")
