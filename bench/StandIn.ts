// The stand-in of the Bot API in a process of its own: tells its parent where it is, and on request what arrived when.
import { Effect } from "effect"
import { startBotApiStandIn } from "../deploy/local/BotApiStandIn.ts"

export interface Arrivals {
  readonly count: number
  readonly first: number
  readonly last: number
}

let arrivals: Arrivals = { count: 0, first: 0, last: 0 }

const program = Effect.gen(function* () {
  const { apiRoot } = yield* startBotApiStandIn({
    onMessage: ({ at }) => {
      arrivals = { count: arrivals.count + 1, first: arrivals.first || at, last: at }
    }
  })
  process.send?.({ apiRoot })
  process.on("message", (request) => {
    if (request === "reset") arrivals = { count: 0, first: 0, last: 0 }
    process.send?.({ arrivals })
  })
  process.on("disconnect", () => process.exit())
  yield* Effect.never
})

Effect.runFork(Effect.scoped(program))
