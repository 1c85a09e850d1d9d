// The messages in a gateway's hands: waiting for their instant, in the order in which they are to be sent.
import type { Attempt } from "#shared/contract/Events.ts"
import { toMillis } from "#shared/contract/Instants.ts"
import type { Delivery } from "#shared/nats/Mailbox.ts"
import type { MessageSpan } from "#shared/telemetry/Spans.ts"

export interface Entry {
  readonly attempt: Attempt
  readonly sendAt: number
  readonly span: MessageSpan
  /** The newest delivery of this message: the one to settle. */
  delivery: Delivery
}

/** Bounded by the consumer's limit on unacknowledged messages, so a sorted array is the simplest thing that is fast. */
export class Held {
  readonly #waiting: Array<Entry> = []
  readonly #inHand = new Map<number, Entry>()

  /** Everything not settled yet: waiting, being sent, or being recorded. */
  get inHand(): Iterable<Entry> {
    return this.#inHand.values()
  }

  get size(): number {
    return this.#inHand.size
  }

  /** Takes a delivery in hand. Nothing if the message is in hand already: then only its delivery is renewed. */
  take(delivery: Delivery, attempt: Attempt, begin: () => MessageSpan): Entry | undefined {
    const known = this.#inHand.get(delivery.seq)
    if (known) {
      known.delivery = delivery
      return undefined
    }
    const entry = { delivery, attempt, sendAt: toMillis(attempt.sendAt), span: begin() }
    this.#inHand.set(delivery.seq, entry)
    return entry
  }

  /** Puts an entry in its place among those that wait: behind others of the same instant. */
  hold(entry: Entry): void {
    let low = 0
    let high = this.#waiting.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#waiting[middle] as Entry).sendAt <= entry.sendAt) low = middle + 1
      else high = middle
    }
    this.#waiting.splice(low, 0, entry)
  }

  /** When the next one is to be sent. */
  get nextAt(): number | undefined {
    return this.#waiting[0]?.sendAt
  }

  /** Takes out up to so many whose instant has come. */
  takeDue(now: number, most: number): ReadonlyArray<Entry> {
    let count = 0
    while (count < most && (this.#waiting[count]?.sendAt ?? Number.POSITIVE_INFINITY) <= now) count++
    return this.#waiting.splice(0, count)
  }

  /** Takes out all that wait, and forgets them. */
  giveUp(): ReadonlyArray<Entry> {
    const waiting = this.#waiting.splice(0)
    for (const entry of waiting) this.settled(entry)
    return waiting
  }

  settled(entry: Entry): void {
    this.#inHand.delete(entry.delivery.seq)
  }
}
