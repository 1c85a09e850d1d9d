// Whether one more message may be sent now: the limits of sender and recipient, the platform's brakes, the circuit and
// what operators ordered, in one place.
import type { Message } from "#shared/contract/Events.ts"
import { addressOf } from "#shared/contract/Fields.ts"
import { noOrders, type Orders, type SenderState } from "#shared/contract/Senders.ts"
import { Brakes } from "./Brakes.ts"
import { afterOutcome, allowance, type Circuit, type CircuitPolicy, closed, probing } from "./Circuit.ts"
import type { Outcome } from "./Outcome.ts"
import type { GatewayDefinition } from "./Platform.ts"
import { type Limit, Windows } from "./Windows.ts"

type Limits = Pick<GatewayDefinition, "connections" | "perSecond" | "recipientLimit">

/** Never a name of one recipient's key. */
const senderKey = ""

export class Allowance {
  orders: Orders = noOrders
  readonly #limits: Limits
  readonly #policy: CircuitPolicy
  readonly #windows = new Windows()
  readonly #brakes: Brakes
  readonly #recipientLimits = new Map<string, Limit | undefined>()
  #circuit: Circuit
  #changes: Array<Circuit> = []
  #sending = 0

  constructor(limits: Limits, policy: CircuitPolicy, state?: Pick<SenderState, "brakes" | "circuit">) {
    this.#limits = limits
    this.#policy = policy
    this.#brakes = new Brakes(limits.perSecond, state?.brakes)
    this.#circuit = state?.circuit ?? closed
  }

  get circuit(): Circuit {
    return this.#circuit
  }

  get sending(): number {
    return this.#sending
  }

  state(now: number): Pick<SenderState, "brakes" | "circuit" | "perSecond"> {
    return { brakes: this.#brakes.state(now), circuit: this.#circuit, perSecond: this.#limits.perSecond }
  }

  /** How much of the sender's limit is used: 0 to 1. */
  used(now: number): number {
    const limit = this.#senderLimit(now)
    return limit ? 1 - Math.max(0, this.#windows.free(limit, now)) / limit.count : 0
  }

  /** How many sends may begin, as far as the sender is concerned. */
  slots(now: number): number {
    if (this.orders.paused || now < this.#brakes.senderUntil) return 0
    const limit = this.#senderLimit(now)
    return Math.max(
      0,
      Math.min(
        this.#limits.connections - this.#sending,
        limit ? this.#windows.free(limit, now) : Number.POSITIVE_INFINITY,
        allowance(this.#circuit, now, this.#sending)
      )
    )
  }

  /** When it is worth asking again; nothing if that depends on what is under way or on an operator. */
  slotsAt(now: number): number | undefined {
    if (this.orders.paused || this.#sending >= this.#limits.connections) return undefined
    const limit = this.#senderLimit(now)
    const free = limit ? this.#windows.freeAt(limit, now) : now
    if (free === undefined) return undefined
    return Math.max(free, this.#brakes.senderUntil, this.#circuit.state === "open" ? this.#circuit.probeAt : 0)
  }

  /** When this recipient may be sent to; never while too many sends to it are under way. */
  recipientAt(recipient: string, now: number): number {
    const limit = this.#recipientLimits.get(recipient)
    const free = limit ? (this.#windows.freeAt(limit, now) ?? Number.POSITIVE_INFINITY) : now
    return Math.max(free, this.#brakes.recipientUntil(recipient))
  }

  /** Past its own deadline, or what an operator dropped. */
  tooLate(dueAt: number, expiresAt: number, now: number): boolean {
    const { dropDueBefore } = this.orders
    return now > expiresAt || (dropDueBefore !== undefined && dueAt < Date.parse(dropDueBefore))
  }

  /** How far apart sends to this recipient are, when many wait. */
  pace(recipient: string): number {
    const limit = this.#recipientLimits.get(recipient)
    return limit ? limit.millis / limit.count : 0
  }

  /** Learns the limit of a recipient: call it before anything else about this one. */
  know({ recipient }: Pick<Message, "recipient">): string {
    const key = addressOf(recipient)
    if (!this.#recipientLimits.has(key)) {
      const limit = this.#limits.recipientLimit(recipient)
      this.#recipientLimits.set(key, limit && { key, ...limit })
    }
    return key
  }

  /** Call the answer with the outcome when the send has ended. */
  begin(recipient: string, now: number): (outcome: Outcome, now: number) => void {
    const limits = this.#limitsOf(recipient, now)
    this.#sending++
    this.#turnTo(probing(this.#circuit))
    for (const limit of limits) this.#windows.begin(limit)
    return (outcome, endedAt) => {
      this.#sending--
      for (const limit of limits) this.#windows.end(limit, endedAt)
      if (outcome._tag === "Throttled") this.#brakes.throttled(outcome.scope, recipient, outcome.retryAfterMs, endedAt)
      this.#turnTo(afterOutcome(this.#circuit, outcome, endedAt, this.#policy))
    }
  }

  /** What an earlier gateway of this sender had sent: it counts as well. */
  sentBefore(recipient: string, at: number): void {
    for (const limit of this.#limitsOf(recipient, at)) {
      this.#windows.begin(limit)
      this.#windows.end(limit, at)
    }
  }

  /** Forgets recipients that nothing is to be known of any more. */
  tidy(now: number, stillMeant: (recipient: string) => boolean): void {
    this.#windows.tidy(now)
    for (const [key, limit] of this.#recipientLimits) {
      if (!stillMeant(key) && (!limit || !this.#windows.counts(key))) this.#recipientLimits.delete(key)
    }
  }

  /** The circuit's changes of state since this was asked last. */
  takeChanges(): ReadonlyArray<Circuit> {
    return this.#changes.splice(0)
  }

  #turnTo(circuit: Circuit): void {
    if (circuit.state !== this.#circuit.state) this.#changes.push(circuit)
    this.#circuit = circuit
  }

  #senderLimit(now: number): Limit | undefined {
    const braked = this.#brakes.rate(now)
    const { perSecond } = this.orders
    const rate = perSecond === undefined ? braked : braked === 0 ? perSecond : Math.min(braked, perSecond)
    if (rate === 0) return undefined
    return rate >= 1
      ? { key: senderKey, count: Math.floor(rate), millis: 1_000 }
      : { key: senderKey, count: 1, millis: 1_000 / rate }
  }

  #limitsOf(recipient: string, now: number): ReadonlyArray<Limit> {
    const ofSender = this.#senderLimit(now)
    const ofRecipient = this.#recipientLimits.get(recipient)
    return [...(ofSender ? [ofSender] : []), ...(ofRecipient ? [ofRecipient] : [])]
  }
}
