// A circuit for each recipient, where every recipient is a server of its own: one that is down holds back nobody else.
// Pure; times come in as milliseconds.
import type { Outcome } from "../Outcome.ts"
import { afterOutcome, type Circuit, type CircuitPolicy, closed, moved, probing } from "./Circuit.ts"

interface Known {
  circuit: Circuit
  underWay: number
}

export class RecipientCircuits {
  readonly #known = new Map<string, Known>()
  readonly #policy: CircuitPolicy

  constructor(policy: CircuitPolicy) {
    this.#policy = policy
  }

  /** How many recipients are not sent to now. */
  get open(): number {
    return [...this.#known.values()].filter(({ circuit }) => circuit.state !== "closed").length
  }

  /** When this one may be sent to; never while it is being probed. */
  mayBegin(recipient: string): number {
    const { circuit, underWay } = this.#known.get(recipient) ?? { circuit: closed, underWay: 0 }
    if (circuit.state === "closed") return 0
    return underWay > 0 ? Number.POSITIVE_INFINITY : circuit.probeAt
  }

  begin(recipient: string): void {
    const { circuit, underWay } = this.#known.get(recipient) ?? { circuit: closed, underWay: 0 }
    this.#known.set(recipient, { circuit: probing(circuit), underWay: underWay + 1 })
  }

  /** Answers with the time of the next probe if it is open now. */
  ended(recipient: string, outcome: Outcome, now: number): number | undefined {
    const known = this.#known.get(recipient)
    if (!known) return undefined
    known.underWay--
    known.circuit = afterOutcome(known.circuit, outcome, now, this.#policy)
    return known.circuit.state === "open" ? known.circuit.probeAt : undefined
  }

  /** The clock has jumped so far. */
  moved(by: number): void {
    for (const known of this.#known.values()) known.circuit = moved(known.circuit, by)
  }

  /** Forgets whom nothing is meant for any more. Call it from time to time. */
  tidy(now: number, stillMeant: (recipient: string) => boolean): void {
    for (const [key, { circuit, underWay }] of this.#known) {
      const over = now > circuit.probeAt + this.#policy.longestWait
      if (underWay === 0 && !stillMeant(key) && (circuit.failures === 0 || over)) this.#known.delete(key)
    }
  }
}
