// The first run's proof: one sample message to the stand-in, told step by step, and how to schedule the next.
import { Console, Effect, Layer, Option, Schedule } from "effect"
import { decodeWith } from "#shared/actor/Decode.ts"
import { type Event, Event as EventSchema, messageId } from "#shared/contract/Events.ts"
import { fromMillis, toMillis } from "#shared/contract/fields/Instants.ts"
import { natsLayer } from "#shared/nats/connection/Layers.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { Subject } from "#shared/nats/layout/Topology.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import { Postgres } from "#shared/postgres/Postgres.ts"
import { Reader } from "../../services/ledger/Reader.ts"
import type { Servers } from "./LocalServers.ts"

const decode = decodeWith(EventSchema)

/** What there is to say of an event of the sample; nothing of the steps in between. */
const told = (event: Event): string | undefined => {
  switch (event.type) {
    case "scheduled":
      return `scheduled   for ${event.message.dueAt}`
    case "dispatched":
      return "fired       by its NATS timer, a little ahead; the gateway holds it until it is due"
    case "sent":
      return `sent        ${toMillis(event.sentAt) - toMillis(event.dueAt)} ms after it was due`
    case "failed":
    case "expired":
    case "unknown":
      return `${event.type}: see carillon show ${event.id}`
    default:
      return undefined
  }
}

const follow = Effect.fnUntraced(function* (id: string, from: number) {
  const log = yield* EventLog
  const { take } = yield* log.from(from)
  while (true) {
    const [message] = yield* take(1)
    const decoded = decode(message.string())
    const event = decoded._tag === "Success" && messageId(decoded.success) === id ? decoded.success : undefined
    const line = event && told(event)
    if (line) yield* Console.log(`  ${line}`)
    if (event && ["sent", "failed", "expired", "unknown", "rejected"].includes(event.type)) return
  }
})

/** Waits until the ledger has the message as finished. */
const recorded = Effect.fnUntraced(function* (id: string) {
  const reader = yield* Reader
  const row = yield* reader.show(id).pipe(
    Effect.repeat({
      schedule: Schedule.spaced("50 millis"),
      until: (found) => Option.isSome(found) && !["pending", "processing"].includes(found.value.message.status)
    })
  )
  if (Option.isSome(row)) yield* Console.log(`  recorded    in Postgres as ${row.value.message.status}`)
})

const sample = Effect.gen(function* () {
  // The services make the streams too; whoever comes first.
  yield* provision([])
  const publisher = yield* Publisher
  const log = yield* EventLog
  const now = Date.now()
  const id = `sample-${now}`
  const { last } = yield* log.extent
  yield* Console.log(`\nA sample message, ${id}:`)
  yield* publisher.publish([
    {
      subject: Subject.command("schedule"),
      payload: JSON.stringify({
        id,
        platform: "telegram",
        recipient: { chatId: "123456789" },
        content: { type: "text", text: "Good morning! Please take your medicine at 9:00. 💊" },
        dueAt: fromMillis(now + 3_000)
      }),
      headers: {}
    }
  ])
  yield* follow(id, last + 1)
  yield* recorded(id)
}).pipe(
  Effect.scoped,
  Effect.provide(natsLayer("sample")),
  Effect.provide(Reader.layer.pipe(Layer.provide(Postgres.layer)))
)

const help = ({ settings }: Servers) => `
Schedule another one:
  ./carillon schedule --to 123456789 --text "Hello" --in 10s
  ./carillon list

From any language, with nothing but a NATS client: publish JSON to carillon.command.schedule
at ${settings.NATS_URL.replace(/\/\/[^@/]*@/, "//")}, for example in Python (pip install nats-py; more in examples/):
  import asyncio, json, nats
  async def main():
      nc = await nats.connect("${settings.NATS_URL.replace(/\/\/[^@/]*@/, "//")}")
      await nc.jetstream().publish("carillon.command.schedule", json.dumps({
          "id": "hello-1", "platform": "telegram", "recipient": {"chatId": "123456789"},
          "content": {"type": "text", "text": "Hello"}, "dueAt": "${fromMillis(Date.now() + 600_000)}"}).encode())
      await nc.close()
  asyncio.run(main())

Ctrl-C stops everything; the next start goes on where this one was.
`

/** With a real bot nothing is sent unasked: then there is no sample, only how to make one. */
export const showSample = Effect.fnUntraced(function* (servers: Servers) {
  if (servers.standIn) yield* sample
  yield* Console.log(help(servers))
})
