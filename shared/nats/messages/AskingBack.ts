// Asks gateways to give back messages that they hold, so that they can be changed: told as it happens, with no promise. Who
// asks looks at what is stored, whether anybody has heard it or not.
import { Effect } from "effect"
import type { MessageId } from "#shared/contract/fields/Fields.ts"
import { Nats } from "../connection/Nats.ts"
import { Subject } from "../layout/Topology.ts"
import { heard } from "./Listen.ts"

export const askBack = (ids: ReadonlyArray<MessageId>) =>
  Effect.flatMap(Nats, ({ connection }) =>
    Effect.ignore(
      Effect.try(() => {
        for (const id of ids) connection.publish(Subject.askedBack, id)
      })
    )
  )

/** More at once are forgotten: they are asked for again. */
const mostHeard = 5_000

/** The ids that are asked for, while the scope lives. */
export const askedBack = heard(Subject.askedBack, mostHeard)
