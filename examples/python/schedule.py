"""Schedules a message with nats-py, and knows that it is stored when the acknowledgement comes."""
import asyncio
import json
import os
import sys

import nats

# The id is yours, and the same when you run it again: only so is there one message, whatever became of the first try.
if len(sys.argv) < 3:
    print("usage: schedule.py ID DUE_AT [CHAT_ID], say schedule.py appt-4711 2030-01-01T09:00:00Z", file=sys.stderr)
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


async def main() -> None:
    connection = await nats.connect(
        os.environ.get("NATS_URL", "nats://127.0.0.1:4222"),
        nkeys_seed=os.environ.get("NATS_NKEY"),  # the file with our seed
        inbox_prefix=os.environ.get("NATS_INBOX_PREFIX", "_INBOX"),  # where we may hear answers
    )
    try:
        for attempt in range(4):
            try:
                # The same bytes again if there is no answer: they may have arrived, and the id makes that harmless.
                stored = await connection.jetstream().publish("carillon.command.schedule", command)
                print(f"{message_id}: stored as message {stored.seq} of {stored.stream}")
                return
            except (nats.errors.Error, asyncio.TimeoutError) as error:
                print(f"{message_id}: {error!r}", file=sys.stderr)
                await asyncio.sleep(1)
        sys.exit(f"{message_id}: not known to be stored: run this again with the same ID")
    finally:
        await connection.close()


asyncio.run(main())
