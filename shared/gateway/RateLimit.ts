// At most so many sends in any second, whichever second one looks at.

/** A sliding window over the times of the last sends. `perSecond` 0 means no limit. */
export class RateLimit {
  readonly #perSecond: number
  readonly #sent: Array<number> = []
  constructor(perSecond: number) {
    this.#perSecond = perSecond
  }

  /** How many may be sent now. */
  free(now: number): number {
    if (this.#perSecond === 0) return Number.POSITIVE_INFINITY
    while (this.#sent.length > 0 && (this.#sent[0] as number) <= now - windowMillis) this.#sent.shift()
    return this.#perSecond - this.#sent.length
  }

  /** When at least one more may be sent. */
  freeAt(now: number): number {
    return this.free(now) > 0 ? now : (this.#sent[0] as number) + windowMillis
  }

  took(now: number, count: number): void {
    if (this.#perSecond > 0) for (let i = 0; i < count; i++) this.#sent.push(now)
  }
}

/** A little over a second: what leaves evenly spaced may arrive closer together. */
const windowMillis = 1_050
