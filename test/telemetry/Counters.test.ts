// What alerts count of the log is shown as 0 before the first of it: a rise from nothing is no rise to Prometheus.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { carillon } from "../support/Carillon.ts"
import { metricsOf } from "../support/Figures.ts"

/** The labels of what is shown as 0, in the order of their names. */
const zeros = (page: string) =>
  [...page.matchAll(/^carillon_events_appended_total\{(.*)\} 0$/gm)].map(([, labels = ""]) =>
    [...labels.matchAll(/(category|platform|type)="([^"]*)"/g)]
      .sort(([, one = ""], [, other = ""]) => other.localeCompare(one))
      .map(([, , value]) => value)
      .join(" ")
  )

describe("events of which none was appended yet", () => {
  it.live("are counted by each service that may append them, and by no other", () =>
    Effect.gen(function* () {
      const { services, start } = yield* carillon({ processes: true })
      yield* start
      const shown = yield* Effect.all({
        scheduler: Effect.map(metricsOf(services.scheduler), zeros),
        dispatcher: Effect.map(metricsOf(services.dispatcher), zeros),
        gateway: Effect.map(metricsOf(services["telegram-gateway"]), zeros),
        ledger: Effect.map(metricsOf(services.ledger), zeros)
      })
      const both = (...rest: ReadonlyArray<string>) =>
        rest.flatMap((one) => ["telegram", "webhook"].map((platform) => one.replace("*", platform)))
      assert.sameMembers(shown.scheduler, [...both("scheduled *", "rejected *"), "rejected unknown"])
      assert.sameMembers(
        shown.dispatcher,
        both(
          "unknown *",
          "expired *",
          "failed * content",
          "failed * recipient",
          "failed * transient",
          "failed * unknown"
        )
      )
      assert.sameMembers(shown.gateway, [
        "sent telegram",
        "expired telegram",
        ...["throttled", "transient", "recipient", "content", "sender", "unknown"].map(
          (category) => `attempt-failed telegram ${category}`
        )
      ])
      assert.deepStrictEqual(shown.ledger, [])
    })
  )
})
