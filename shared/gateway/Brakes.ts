// What the platform told us to wait, and how fast we dare to send since: additive increase, multiplicative decrease.
// Pure; times come in as milliseconds.
import type { SenderState } from "#shared/contract/Senders.ts"

type BrakesState = SenderState["brakes"]

const released: BrakesState = { senderUntil: 0, recipientsUntil: {}, at: 0 }

/** How long until a rate that was cut has recovered from nothing to the limit. */
const recoveryMillis = 30_000

/** One burst of refusals is one complaint. */
const sameComplaintMillis = 1_000

export class Brakes {
  /** The rate as it was at `at`; none if the platform never complained. */
  #state: BrakesState
  readonly #perSecond: number

  /** `perSecond`: the configured limit; 0 for none. */
  constructor(perSecond: number, state: BrakesState = released) {
    this.#perSecond = perSecond
    this.#state = state
  }

  state(now: number): BrakesState {
    const { recipientsUntil, ...rest } = this.#state
    const still = Object.entries(recipientsUntil).filter(([, until]) => until > now)
    return { ...rest, recipientsUntil: Object.fromEntries(still) }
  }

  throttled(scope: "recipient" | "sender", recipient: string, retryAfterMillis: number, now: number): void {
    const until = now + retryAfterMillis
    const { senderUntil, recipientsUntil } = this.state(now)
    const { senderUntil: _, recipientsUntil: __, ...pace } = this.#state
    const again = pace.rate !== undefined && now - pace.at < sameComplaintMillis
    // A complaint about one chat brakes the sender briefly too: more of the same may be on its way.
    const brake = scope === "sender" ? until : Math.min(until, now + 1_000)
    this.#state = {
      senderUntil: Math.max(senderUntil, brake),
      recipientsUntil: scope === "recipient" ? { ...recipientsUntil, [recipient]: until } : recipientsUntil,
      ...(this.#perSecond === 0 || again ? pace : { rate: Math.max(1, this.rate(now) / 2), at: now })
    }
  }

  /** Holds one recipient, and says nothing of the others. */
  hold(recipient: string, until: number): void {
    const { recipientsUntil } = this.#state
    const later = Math.max(until, this.recipientUntil(recipient))
    this.#state = { ...this.#state, recipientsUntil: { ...recipientsUntil, [recipient]: later } }
  }

  /** The clock has jumped so far: what was timed by it lasts as long as it was to last. */
  moved(by: number): void {
    const { at, recipientsUntil, senderUntil, ...rest } = this.#state
    const recipients = Object.entries(recipientsUntil).map(([recipient, until]) => [recipient, until + by])
    this.#state = {
      ...rest,
      at: at + by,
      senderUntil: senderUntil + by,
      recipientsUntil: Object.fromEntries(recipients)
    }
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
    return this.#state.recipientsUntil[recipient] ?? 0
  }
}
