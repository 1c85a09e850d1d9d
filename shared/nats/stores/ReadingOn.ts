// Reads the log from a place on, without end, no faster than what is read is taken.
import { setImmediate } from "node:timers/promises"
import { DeliverPolicy, type JetStreamClient, type JsMsg } from "@nats-io/jetstream"
import { Effect } from "effect"
import { attempt, NatsError } from "../connection/Nats.ts"
import { pullExpiresMillis } from "../layout/Topology.ts"
import { type Taking, waitingRoom } from "../messages/Waiting.ts"

export const readingOn = (js: JetStreamClient) =>
  Effect.fnUntraced(function* <A>(sequence: number, read: (message: JsMsg) => A) {
    const untaken = yield* waitingRoom<A, NatsError>(readAhead)
    const consumer = yield* attempt("read the log", () =>
      js.consumers.get("EVENTS", {
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: Math.max(1, sequence)
      })
    )
    // As an iterator it asks the server for more only when what came was taken; a callback would pile it up here.
    const messages = yield* Effect.acquireRelease(
      attempt("read the log", () => consumer.consume({ max_messages: onTheWay, expires: pullExpiresMillis })),
      // Not awaited: it is closed when the iterator comes to its end, which nobody may read to any more.
      (messages) => Effect.sync(() => void messages.close())
    )
    // By hand: a step of a stream for each message costs more than to read it.
    const pump = async () => {
      let turn = 0
      for await (const message of messages) {
        // What has come already is at hand without waiting: whoever else has something to do would not get a turn.
        if (++turn % inOneTurn === 0) await setImmediate()
        await untaken.room()
        untaken.put(read(message), message.data.length)
      }
    }
    yield* Effect.tryPromise({ try: pump, catch: readFailed }).pipe(
      Effect.andThen(Effect.fail(readFailed(new Error("it was closed")))),
      Effect.catchCause((cause) => Effect.sync(() => untaken.fail(cause))),
      Effect.forkScoped
    )
    return untaken as Taking<A, NatsError>
  })

const readFailed = (cause: unknown) => new NatsError({ operation: "read the log", cause })

/** So many are read before others get their turn: Postgres, say, answers meanwhile, and waits for what comes next. */
const inOneTurn = 16

/** What a reader of the log has at hand. */
const readAhead = { messages: 2_000, bytes: 8_000_000 } as const

/** So many more are on their way to it, as they are: none that we accept is larger than 256 KiB. */
const onTheWay = 200
