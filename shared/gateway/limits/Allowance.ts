// Whether one more message may be sent now: the limits of sender and recipient, the platform's brakes, the circuit and
// what operators ordered, in one place.
import { lastInstant } from "#shared/contract/Deadline.ts"
import type { Message } from "#shared/contract/Events.ts"
import { addressOf } from "#shared/contract/fields/Fields.ts"
import { noOrders, type Orders, type SenderState } from "#shared/contract/Senders.ts"
import type { Outcome } from "../Outcome.ts"
import type { GatewayDefinition } from "../Platform.ts"
import type { Entry } from "../sending/Entry.ts"
import { Brakes } from "./Brakes.ts"
import { afterOutcome, allowance, type Circuit, type CircuitPolicy, closed, moved, probing } from "./Circuit.ts"
import { RecipientCircuits } from "./RecipientCircuits.ts"
import { type Limit, Windows } from "./Windows.ts"

type Limits = Pick<GatewayDefinition, "blames" | "connections" | "perSecond" | "recipientLimit">

/** Never a name of one recipient's key. */
const senderKey = ""

/** How far apart we expect sends to a recipient to be that is without limit, but held now. */
const heldPaceMillis = 100

export class Allowance {
  orders: Orders = noOrders
  readonly #limits: Limits
  readonly #policy: CircuitPolicy
  readonly #windows = new Windows()
  readonly #brakes: Brakes
  /** Nothing where a failure is the sender's. */
  readonly #recipientCircuits: RecipientCircuits | undefined
  readonly #recipientLimits = new Map<string, Limit | undefined>()
  #circuit: Circuit
  #changes: Array<Circuit> = []
  #sending = 0

  constructor(limits: Limits, policy: CircuitPolicy, state?: Pick<SenderState, "brakes" | "circuit">) {
    this.#limits = limits
    this.#policy = policy
    this.#brakes = new Brakes(limits.perSecond, state?.brakes)
    this.#recipientCircuits = limits.blames === "recipient" ? new RecipientCircuits(policy) : undefined
    this.#circuit = state?.circuit ?? closed
  }

  get circuit(): Circuit {
    return this.#circuit
  }

  /** Recipients whose circuit is open. */
  get recipientsHeld(): number {
    return this.#recipientCircuits?.open ?? 0
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
    if (this.#circuit.state !== "closed" && this.#sending > 0) return undefined
    const limit = this.#senderLimit(now)
    const free = limit ? this.#windows.freeAt(limit, now) : now
    if (free === undefined) return undefined
    return Math.max(free, this.#brakes.senderUntil, this.#circuit.state === "open" ? this.#circuit.probeAt : 0)
  }

  /** When this recipient may be sent to; never while too many sends to it are under way. */
  recipientAt(recipient: string, now: number): number {
    const limit = this.#recipientLimits.get(recipient)
    const free = limit ? (this.#windows.freeAt(limit, now) ?? Number.POSITIVE_INFINITY) : now
    const probe = this.#recipientCircuits?.mayBegin(recipient) ?? 0
    return Math.max(free, this.#brakes.recipientUntil(recipient), probe)
  }

  /** Past its own deadline, or what an operator dropped: that also cuts a text that has begun. */
  tooLate({ attempt, dueAt, partsSent }: Pick<Entry, "attempt" | "dueAt" | "partsSent">, now: number): boolean {
    const { dropDueBefore } = this.orders
    return (
      now > lastInstant(attempt.message, partsSent) ||
      (dropDueBefore !== undefined && dueAt < Date.parse(dropDueBefore))
    )
  }

  /** Until when its platform, or its circuit, keeps this recipient from being sent to. */
  heldUntil(recipient: string): number {
    return this.#brakes.recipientUntil(recipient)
  }

  /** Until when its platform, or a circuit, keeps the sender from sending to this recipient. What an operator holds is theirs. */
  refusedUntil(recipient: string): number {
    if (this.orders.paused) return 0
    const probeAt = this.#circuit.state === "open" ? this.#circuit.probeAt : 0
    return Math.max(probeAt, this.#brakes.senderUntil, this.heldUntil(recipient))
  }

  /** How far apart sends to this recipient are, when many wait; 0 if nothing holds them back. */
  pace(recipient: string, now: number): number {
    const limit = this.#recipientLimits.get(recipient)
    if (limit) return limit.millis / limit.count
    return this.heldUntil(recipient) > now ? heldPaceMillis : 0
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
    if (this.#recipientCircuits) this.#recipientCircuits.begin(recipient)
    else this.#turnTo(probing(this.#circuit))
    for (const limit of limits) this.#windows.begin(limit)
    return (outcome, endedAt) => {
      this.#sending--
      for (const limit of limits) this.#windows.end(limit, endedAt)
      if (this.#recipientCircuits) this.#blameRecipient(this.#recipientCircuits, recipient, outcome, endedAt)
      else this.#blameSender(recipient, outcome, endedAt)
    }
  }

  #blameSender(recipient: string, outcome: Outcome, now: number): void {
    if (outcome._tag === "Throttled") this.#brakes.throttled(outcome.scope, recipient, outcome.retryAfterMs, now)
    this.#turnTo(afterOutcome(this.#circuit, outcome, now, this.#policy))
  }

  /** What one of many servers says is no complaint about us as a whole, unless it says so. */
  #blameRecipient(circuits: RecipientCircuits, recipient: string, outcome: Outcome, now: number): void {
    if (outcome._tag === "Throttled" && outcome.scope === "sender")
      this.#brakes.throttled("sender", recipient, outcome.retryAfterMs, now)
    if (outcome._tag === "Throttled") this.#brakes.hold(recipient, now + outcome.retryAfterMs, now)
    const probeAt = circuits.ended(recipient, outcome, now)
    // Among the brakes it survives a change of the active gateway.
    if (probeAt !== undefined) this.#brakes.hold(recipient, probeAt, now)
  }

  /** What an earlier gateway of this sender had sent: it counts as well. */
  sentBefore(recipient: string, at: number): void {
    for (const limit of this.#limitsOf(recipient, at)) {
      this.#windows.begin(limit)
      this.#windows.end(limit, at)
    }
  }

  /** The clock has jumped so far, or what was written by another is to be read by it: every wait is as long as before. */
  moved(by: number): void {
    this.#windows.moved(by)
    this.#brakes.moved(by)
    this.#recipientCircuits?.moved(by)
    this.#circuit = moved(this.#circuit, by)
  }

  /** Forgets recipients that nothing is to be known of any more. */
  tidy(now: number, stillMeant: (recipient: string) => boolean): void {
    this.#windows.tidy(now)
    this.#recipientCircuits?.tidy(now, stillMeant)
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
