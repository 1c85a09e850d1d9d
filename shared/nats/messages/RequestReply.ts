// The front door for those who want an answer: a NATS micro service that puts requests into the COMMANDS stream,
// and the replies that come back once they are carried out. One way of working for both doors: nothing is lost in either.
import { type ServiceMsg, Svcm } from "@nats-io/services"
import { headers as natsHeaders } from "@nats-io/transport-node"
import { Effect } from "effect"
import type { Headers } from "#shared/contract/CloudEvents.ts"
import { commandNames } from "#shared/contract/Commands.ts"
import type { Reply } from "#shared/contract/Replies.ts"
import { seldom } from "#shared/telemetry/Seldom.ts"
import { isTraceContext } from "#shared/telemetry/Spans.ts"
import { attempt, Nats } from "../connection/Nats.ts"
import { Subject } from "../layout/Topology.ts"
import { headerOf } from "./Headers.ts"
import type { Delivery } from "./Mailbox.ts"

const replyTo = "carillon-reply-to"

/**
 * Only an inbox is answered: else a command or request could have us publish where its sender may not. `_R_` is what the server
 * makes of the inbox of another account: it takes the answer there once, for two minutes.
 */
const inbox = /^(_INBOX[A-Za-z0-9_-]*|_R_)\.[A-Za-z0-9._-]{1,200}$/

/** Serves `carillon.api.*` while the scope lives; visible to `nats micro`. */
export const serveApi = Effect.fn("serveApi")(function* (version: string) {
  const { connection, js } = yield* Nats
  const run = Effect.runForkWith(yield* Effect.context<never>())
  const tell = seldom((line) => run(Effect.logWarning(line)))
  const forward = async (name: (typeof commandNames)[number], request: ServiceMsg) => {
    const headers = natsHeaders()
    for (const [key, values] of request.headers ?? []) {
      if (!/^(nats-|carillon-)/i.test(key)) for (const value of values) headers.append(key, value)
    }
    if (request.reply && inbox.test(request.reply)) headers.set(replyTo, request.reply)
    // It is carried out all the same; who waits will think that it is not, and may ask under another id.
    else if (request.reply)
      tell("a request is not answered", `an inbox must begin with _INBOX, and hold at most 200 letters, digits and ._-`)
    await js.publish(Subject.command(name), request.data, { headers })
  }
  yield* Effect.acquireRelease(
    attempt("serve the API", async () => {
      const service = await new Svcm(connection).add({
        name: "carillon",
        version,
        description: "Schedules messages to people: see docs/reference/asyncapi.json"
      })
      const group = service.addGroup("carillon.api")
      for (const name of commandNames) {
        group.addEndpoint(name, {
          metadata: { schema: `docs/reference/${name}.schema.json` },
          handler: (error, request) => {
            if (!error)
              forward(name, request).catch(() => {
                if (inbox.test(request.reply ?? "")) request.respondError(503, "the COMMANDS stream is out of reach")
              })
          }
        })
      }
      return service
    }),
    (service) => Effect.ignore(attempt("stop the API", () => service.stop()))
  )
})

/** For whoever carries out the rest of the work: who is to be answered, and the trace it belongs to. */
export const passOn = (delivery: Delivery): Headers => {
  const given = (name: string, is: (value: string) => boolean) => {
    const value = headerOf(delivery, name)
    return value && is(value) ? { [name]: value } : {}
  }
  return {
    ...given(replyTo, (value) => inbox.test(value)),
    ...given("traceparent", isTraceContext),
    ...given("ce-traceparent", isTraceContext)
  }
}

/** Whether somebody waits for what comes of this command. */
export const isAwaited = (delivery: Delivery): boolean => inbox.test(headerOf(delivery, replyTo) ?? "")

/** Answers whoever waits for this command; most commands have nobody waiting. */
export const answer = Effect.fnUntraced(function* (delivery: Delivery, reply: Reply) {
  const to = headerOf(delivery, replyTo)
  if (!to || !inbox.test(to)) return
  const { connection } = yield* Nats
  const headers = natsHeaders()
  headers.set("content-type", "application/json")
  if (reply.status === "rejected") {
    headers.set("Nats-Service-Error", "rejected")
    headers.set("Nats-Service-Error-Code", "400")
  }
  connection.publish(to, JSON.stringify(reply), { headers })
})
