// A send whose turn has come: it counts against the limits until it has ended, in an outcome or before it was sent.
import { Outcome } from "../Outcome.ts"
import type { Send } from "../Platform.ts"
import type { Desk } from "../sender/Desk.ts"
import type { Entry } from "./Entry.ts"
import type { Part } from "./GatewayEvents.ts"

export interface Begun {
  readonly entry: Entry
  readonly send: Send
  readonly part: Part
  readonly end: (outcome: Outcome, now: number) => void
}

/** By our own choice: says nothing of the platform. */
export const notSent = Outcome.Transient({ reason: "lease-lost" })

/** It is not sent: whoever is next may go on. */
export const leaveOut = ({ now, turns }: Desk, { end, entry }: Begun) => {
  end(notSent, now())
  turns.ended(entry.recipient)
}

/** It is not sent now, and waits for another turn. */
export const putBack = (desk: Desk, begun: Begun) => {
  leaveOut(desk, begun)
  desk.turns.add(begun.entry)
  desk.signal()
}
