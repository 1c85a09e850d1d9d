// Older services in the middle of an upgrade: what a newer scheduler wrote into a message is in it wherever it comes.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Reply } from "../../deploy/local/BotApiStandIn.ts"
import { attemptOf } from "../support/Attempts.ts"
import { carillon, eventually } from "../support/Carillon.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { deadLetters, eventsOf } from "../support/Streams.ts"

describe("a message with fields that only a newer version knows", () => {
  it.live("keeps them through dispatcher, gateway, retry and dead letter, and when it is sent again", () =>
    Effect.gen(function* () {
      const { nats, start } = yield* carillon({
        services: ["scheduler", "dispatcher", "telegram-gateway"],
        answer: (_, method) =>
          method === "sendMessage" ? Reply.ApiError({ code: 400, description: "Bad Request: can't parse" }) : undefined
      })
      yield* start
      const now = new Date()
      const instants = { dueAt: now.toISOString(), expiresAt: new Date(now.getTime() + 3_600_000).toISOString() }
      const attempt = attemptOf({ id: "newer" as never, ...instants })
      const later = { later: { consent: "spoken" } }
      const { content, recipient } = attempt.message
      const message = {
        ...{ ...attempt.message, ...later },
        ...{ content: { ...content, ...later }, recipient: { ...recipient, ...later } }
      }
      const due = { subject: "carillon.timer.due.telegram", payload: JSON.stringify({ ...attempt, message }) }
      yield* publishPlainly(nats.url, [due])
      yield* eventually("it is given up", deadLetters(nats.url), (letters) => letters.length === 1)
      yield* publishPlainly(nats.url, [{ subject: "carillon.command.redrive", payload: '{"id":"newer"}' }])
      const failed = eventsOf(nats.url, "carillon.event.attempt-failed.telegram")
      yield* eventually("it is given up again", failed, (found) => found.length === 2)
      for (const type of ["dispatched", "attempt-failed", "redriven"]) {
        const found = yield* eventsOf(nats.url, `carillon.event.${type}.>`)
        for (const event of found) {
          const { dueAt: _, expiresAt: __, ...passed } = event.message as Record<string, unknown>
          const { dueAt: ___, expiresAt: ____, ...wanted } = message
          assert.deepStrictEqual(passed, wanted, type)
        }
      }
    })
  )
})
