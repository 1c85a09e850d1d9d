// What the platform told us to wait, and how fast we dare to send since: additive increase, multiplicative decrease.
// Pure; times come in as milliseconds.
import type { SenderState } from "#shared/contract/Senders.ts"

type BrakesState = SenderState["brakes"]

const released: BrakesState = { senderUntil: 0, recipientsUntil: {}, at: 0 }

/** How long until a rate that was cut has recovered from nothing to the limit. */
const recoveryMillis = 30_000

/** One burst of refusals is one complaint. */
const sameComplaintMillis = 1_000

/** A quarter of what NATS takes in one message, as a rule: thousands of recipients, but for very long addresses. */
const mostBytesWritten = 256 * 1_024

export class Brakes {
  /** The rate as it was at `at`; none if the platform never complained. */
  #state: Omit<BrakesState, "recipientsUntil">
  readonly #recipientsUntil: Map<string, number>
  readonly #perSecond: number

  /** `perSecond`: the configured limit; 0 for none. */
  constructor(perSecond: number, { recipientsUntil, ...state }: BrakesState = released) {
    this.#perSecond = perSecond
    this.#state = state
    this.#recipientsUntil = new Map(Object.entries(recipientsUntil))
  }

  /** For a next gateway: of very many recipients those that are held for longest. It finds out about the others itself. */
  state(now: number): BrakesState {
    const held = [...this.#recipientsUntil].filter(([, until]) => until > now).sort(([, a], [, b]) => b - a)
    const recipientsUntil: Record<string, number> = {}
    let bytes = 0
    for (const [recipient, until] of held) {
      bytes += Buffer.byteLength(JSON.stringify([recipient, until]))
      if (bytes > mostBytesWritten) break
      recipientsUntil[recipient] = until
    }
    return { ...this.#state, recipientsUntil }
  }

  throttled(scope: "recipient" | "sender", recipient: string, retryAfterMillis: number, now: number): void {
    const until = now + retryAfterMillis
    const { senderUntil, ...pace } = this.#state
    const again = pace.rate !== undefined && now - pace.at < sameComplaintMillis
    // A complaint about one chat brakes the sender briefly too: more of the same may be on its way.
    const brake = scope === "sender" ? until : Math.min(until, now + 1_000)
    if (scope === "recipient") this.#holdUntil(recipient, until, now)
    this.#state = {
      senderUntil: Math.max(senderUntil, brake),
      ...(this.#perSecond === 0 || again ? pace : { rate: Math.max(1, this.rate(now) / 2), at: now })
    }
  }

  /** Holds one recipient, and says nothing of the others. */
  hold(recipient: string, until: number, now: number): void {
    this.#holdUntil(recipient, Math.max(until, this.recipientUntil(recipient)), now)
  }

  #holdUntil(recipient: string, until: number, now: number): void {
    for (const [one, until] of this.#recipientsUntil) if (until <= now) this.#recipientsUntil.delete(one)
    this.#recipientsUntil.set(recipient, until)
  }

  /** The clock has jumped so far: what was timed by it lasts as long as it was to last. */
  moved(by: number): void {
    const { at, senderUntil, ...rest } = this.#state
    this.#state = { ...rest, at: at + by, senderUntil: senderUntil + by }
    for (const [recipient, until] of this.#recipientsUntil) this.#recipientsUntil.set(recipient, until + by)
  }

  /** Sends a second that we dare now; 0 for no limit. */
  rate(now: number): number {
    const { rate, at } = this.#state
    if (rate === undefined || this.#perSecond === 0) return this.#perSecond
    return Math.min(this.#perSecond, rate + (this.#perSecond * Math.max(0, now - at)) / recoveryMillis)
  }

  get senderUntil(): number {
    return this.#state.senderUntil
  }

  recipientUntil(recipient: string): number {
    return this.#recipientsUntil.get(recipient) ?? 0
  }
}
