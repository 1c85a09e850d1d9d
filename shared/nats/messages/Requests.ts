// Asks the services through their front door.
import { RequestError } from "@nats-io/transport-node"
import { Effect, Schema } from "effect"
import type { CommandName } from "#shared/contract/Commands.ts"
import { Reply } from "#shared/contract/Replies.ts"
import { attempt, Nats, NatsError } from "../connection/Nats.ts"
import { Subject } from "../layout/Topology.ts"

/** Nobody serves `carillon.api.*`. */
export class NoScheduler extends Schema.TaggedError<NoScheduler>()("NoScheduler", {}) {
  override get message() {
    return "no scheduler is running"
  }
}

const decodeReply = Schema.decodeUnknownSync(Schema.fromJsonString(Reply))

/** The answer of the scheduler once the command is carried out. */
export const request = Effect.fn("request")(function* (name: CommandName, command: unknown) {
  const { connection } = yield* Nats
  const reply = yield* attempt(name, () =>
    connection.request(Subject.api(name), JSON.stringify(command), { timeout: 10_000 })
  ).pipe(
    Effect.catchIf(
      (error) => error.cause instanceof RequestError && error.cause.isNoResponders(),
      () => new NoScheduler()
    )
  )
  // Of the scheduler that asked NATS in vain: the reply is empty, and the command may be stored all the same.
  if (reply.headers?.get("Nats-Service-Error-Code") === "503") {
    return yield* new NatsError({ operation: name, cause: new Error("the COMMANDS stream is out of reach") })
  }
  return decodeReply(reply.string())
})
