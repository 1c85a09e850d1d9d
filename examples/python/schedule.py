"""Schedules a message with nats-py, and knows that it is stored when the acknowledgement comes."""
import asyncio
import json
import os
import sys
import time
from datetime import datetime, timedelta, timezone

import nats


async def main() -> None:
    in_a_minute = (datetime.now(timezone.utc) + timedelta(minutes=1)).isoformat().replace("+00:00", "Z")
    message_id, due_at, chat_id = (sys.argv[1:] + [f"py-{time.time_ns()}", in_a_minute, "123456789"][len(sys.argv) - 1 :])[:3]
    connection = await nats.connect(
        os.environ.get("NATS_URL", "nats://127.0.0.1:4222"),
        nkeys_seed=os.environ.get("NATS_NKEY"),  # the file with our seed
        inbox_prefix=os.environ.get("NATS_INBOX_PREFIX", "_INBOX"),  # where we may hear answers
    )
    command = {
        "id": message_id,
        "platform": "telegram",
        "recipient": {"chatId": chat_id},
        "content": {"type": "text", "text": "Hello from Python"},
        "dueAt": due_at,
    }
    stored = await connection.jetstream().publish("carillon.command.schedule", json.dumps(command).encode())
    print(f"{message_id}: stored as message {stored.seq} of {stored.stream}")
    await connection.close()


asyncio.run(main())
