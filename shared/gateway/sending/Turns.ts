// The messages in a gateway's hands, and whose turn it is: one at a time to each recipient, in the order in which they
// were due; urgent recipients more often than others, yet nobody never.
import TinyQueue from "tinyqueue"
import { priorities } from "#shared/contract/fields/Fields.ts"
import type { Entry } from "./Entry.ts"

interface Recipient {
  readonly key: string
  /** In the order of `before`; those alike as they came. */
  readonly waiting: Array<Entry>
  /** Sends under way: as many as may be at once, and the next one waits for an outcome. */
  underWay: number
  /** The newest turn; older ones in the queue are void. */
  turn: number
}

interface Turn {
  readonly recipient: Recipient
  readonly at: number
  readonly dueAt: number
  /** Counts all turns: of two that are alike the older goes first. */
  readonly order: number
  readonly turn: number
}

/** How many turns each priority has while others wait too, in the order of `priorities`. */
const weights = [16, 4, 1]

const byTime = (a: Turn, b: Turn) => a.at - b.at || a.dueAt - b.dueAt || a.order - b.order

/** When a recipient may be sent to, by its limits and brakes; asked about now if no other time is given. */
type MayBegin = (recipient: string, now?: number) => number

export class Turns {
  readonly #recipients = new Map<string, Recipient>()
  readonly #queues = priorities.map(() => new TinyQueue<Turn>([], byTime))
  readonly #credits = priorities.map(() => 0)
  readonly #mayBegin: MayBegin

  readonly #atOnce: number
  readonly #ahead: number
  #order = 0

  /** `atOnce`: sends to one recipient under way at once. `ahead`: so long before its instant a turn comes. */
  constructor(mayBegin: MayBegin, atOnce = 1, ahead = 0) {
    this.#mayBegin = mayBegin
    this.#atOnce = atOnce
    this.#ahead = ahead
  }

  /** Whether anything waits for this recipient, or is being sent to it. */
  has(recipient: string): boolean {
    return this.#recipients.has(recipient)
  }

  /** How many wait for this recipient. */
  waitingFor(recipient: string): number {
    return this.#recipients.get(recipient)?.waiting.length ?? 0
  }

  add(entry: Entry): void {
    const recipient = this.#recipients.get(entry.recipient) ?? newRecipient(entry.recipient)
    this.#recipients.set(entry.recipient, recipient)
    const { waiting } = recipient
    let place = waiting.length
    while (place > 0 && before(entry, waiting[place - 1] as Entry)) place--
    waiting.splice(place, 0, entry)
    this.#queue(recipient)
  }

  /** The next whose turn has come; it is under way until `ended`. */
  next(now: number): Entry | undefined {
    let best: number | undefined
    let total = 0
    for (const index of priorities.keys()) {
      if (!this.#ready(index, now)) continue
      const weight = weights[index] as number
      total += weight
      this.#credits[index] = (this.#credits[index] as number) + weight
      if (best === undefined || (this.#credits[index] as number) > (this.#credits[best] as number)) best = index
    }
    if (best === undefined) return undefined
    this.#credits[best] = (this.#credits[best] as number) - total
    const turn = this.#queues[best]?.pop()
    if (!turn) return undefined
    const { recipient } = turn
    recipient.underWay++
    const entry = recipient.waiting.shift()
    this.#queue(recipient)
    return entry
  }

  /** The send to this recipient has its outcome: whoever is next may go on. */
  ended(key: string): void {
    const recipient = this.#recipients.get(key)
    if (!recipient) return
    recipient.underWay--
    if (recipient.waiting.length === 0 && recipient.underWay === 0) this.#recipients.delete(key)
    else this.#queue(recipient)
  }

  /** When the next turn comes, as far as it is known. */
  nextAt(now: number): number | undefined {
    const times = priorities.flatMap((_, index) => {
      const at = this.#ready(index, now) ? now : this.#queues[index]?.peek()?.at
      return at === undefined ? [] : [at]
    })
    return times.length === 0 ? undefined : Math.min(...times)
  }

  /** When recipients may be sent to has changed: each is given its turn anew. */
  anew(): void {
    for (const recipient of this.#recipients.values()) this.#queue(recipient)
  }

  /** Takes out those that wait and are meant. */
  remove(meant: (entry: Entry) => boolean): ReadonlyArray<Entry> {
    const removed: Array<Entry> = []
    for (const recipient of this.#recipients.values()) {
      const gone = recipient.waiting.filter(meant)
      if (gone.length === 0) continue
      removed.push(...gone)
      const kept = recipient.waiting.filter((entry) => !gone.includes(entry))
      recipient.waiting.splice(0, recipient.waiting.length, ...kept)
      recipient.turn++
      if (recipient.underWay === 0 && kept.length === 0) this.#recipients.delete(recipient.key)
      else this.#queue(recipient)
    }
    return removed
  }

  /** Gives a recipient its turn: that of its most urgent message, at the time of its first. */
  #queue(recipient: Recipient): void {
    const [first] = recipient.waiting
    if (recipient.underWay >= this.#atOnce || !first) return
    const index = Math.min(...recipient.waiting.map(({ attempt }) => priorities.indexOf(attempt.message.priority)))
    const at = Math.max(first.sendAt - this.#ahead, this.#mayBegin(recipient.key))
    this.#queues[index]?.push({ recipient, at, dueAt: first.dueAt, order: ++this.#order, turn: ++recipient.turn })
  }

  /** Whether the first of a queue may go now; clears away turns that are void, and puts off those that must wait longer. */
  #ready(index: number, now: number): boolean {
    const queue = this.#queues[index] as TinyQueue<Turn>
    for (let top = queue.peek(); top !== undefined && top.at <= now; top = queue.peek()) {
      const { recipient, turn } = top
      if (turn === recipient.turn && recipient.underWay < this.#atOnce) {
        // Asked about the same instant: a clock that has moved on would put off whoever is first.
        if (this.#mayBegin(recipient.key, now) <= now) return true
        queue.pop()
        this.#queue(recipient)
      } else queue.pop()
    }
    return false
  }
}

/** What this try has begun is finished first: the parts of a text belong together. Others go by when they were due. */
const before = (one: Entry, other: Entry) => (begun(one) === begun(other) ? one.dueAt < other.dueAt : begun(one))

const begun = ({ attempt, partsSent, ready }: Entry) => ready !== undefined || partsSent > (attempt.partsSent ?? 0)

const newRecipient = (key: string): Recipient => ({ key, waiting: [], underWay: 0, turn: 0 })
