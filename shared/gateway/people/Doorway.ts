// Takes in updates that a platform brings by HTTP, on every replica: who brings them is proved, what they lead to is
// stored, and only then they are acknowledged.
import { Effect, Result } from "effect"
import { Routes } from "#shared/service/Routes.ts"
import { hearAndAnswer } from "./Hearing.ts"
import type { InboundDefinition, Refused } from "./Inbound.ts"
import type { Hearer } from "./Updates.ts"

export const updatesPath = ({ platform, sender }: Pick<Hearer, "platform" | "sender">) =>
  `/updates/${platform}/${sender}`

const statusOf: { readonly [Reason in Refused]: number } = { "not-authentic": 401, unreadable: 400 }

/** While the scope lives. Nothing to do for a source that is asked. */
export const serveUpdates = Effect.fnUntraced(function* (hearer: Hearer, inbound: InboundDefinition) {
  const { source } = inbound
  if (source.way !== "webhook") return
  const { post } = yield* Routes
  yield* post(updatesPath(hearer), source.admits, (body, header) => {
    const parsed = source.parse(body, header, Date.now())
    if (Result.isFailure(parsed)) return Effect.succeed(statusOf[parsed.failure])
    return Effect.forEach(parsed.success, (update) => hearAndAnswer(hearer, inbound, update), { discard: true }).pipe(
      Effect.as(200),
      // The platform brings it again.
      Effect.catchTag("NatsError", (error) =>
        Effect.as(Effect.logWarning("an update waits to be brought again", error), 503)
      )
    )
  })
})
