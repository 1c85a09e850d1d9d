// Everything a gateway has taken and not settled: waiting, being sent, or being recorded.
import type { Attempt } from "#shared/contract/Events.ts"
import type { Recipient } from "#shared/contract/fields/Fields.ts"
import type { Delivery } from "#shared/nats/messages/Mailbox.ts"
import type { MessageSpan } from "#shared/telemetry/Spans.ts"
import { type Entry, entryOf } from "./Entry.ts"

export class InHand {
  readonly #entries = new Map<number, Entry>()

  get size(): number {
    return this.#entries.size
  }

  /** Whether the message is in hand already: then this delivery is the one to settle. */
  renew(delivery: Delivery): boolean {
    const known = this.#entries.get(delivery.seq)
    if (known) known.delivery = delivery
    return known !== undefined
  }

  /** Nothing if the message is in hand already: then only its delivery is renewed. */
  take(
    delivery: Delivery,
    attempt: Attempt,
    to: Recipient,
    recipient: string,
    begin: () => MessageSpan
  ): Entry | undefined {
    if (this.renew(delivery)) return undefined
    const entry = entryOf(attempt, to, recipient, delivery, begin())
    this.#entries.set(delivery.seq, entry)
    return entry
  }

  settled(entry: Entry): void {
    this.#entries.delete(entry.delivery.seq)
    entry.ready?.over()
  }

  /** Keeps what is in hand from being given to another. */
  keep(): void {
    for (const { delivery } of this.#entries.values()) delivery.working()
  }
}
