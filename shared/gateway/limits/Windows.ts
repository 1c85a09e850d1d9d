// Exact limits: so many sends in any window of so long, for each key. Pure; times come in as milliseconds.

/** At most `count` sends in any `millis`, of all that share the key. */
export interface Limit {
  readonly key: string
  readonly count: number
  readonly millis: number
}

/** So many a second as a limit; below 1 is allowed, and 0 is none. */
export const everySecond = (rate: number): Omit<Limit, "key"> | undefined =>
  rate > 0 ? { count: Math.max(1, Math.floor(rate)), millis: 1_000 / Math.min(1, rate) } : undefined

interface Window {
  underWay: number
  /** When sends ended that may still count, oldest first. */
  readonly ended: Array<number>
  millis: number
}

/**
 * A send counts from its beginning until the window has passed since its end. When it reached the platform in between
 * nobody here knows; counted so, the limit holds at the platform's side too, however long each request was on its way.
 */
export class Windows {
  readonly #windows = new Map<string, Window>()

  /** How many more may begin now. */
  free({ key, count, millis }: Limit, now: number): number {
    const window = this.#windows.get(key)
    if (!window) return count
    forget(window, now - millis)
    return count - window.underWay - window.ended.length
  }

  /** When at least one more may begin; nothing if that depends on one that is under way. */
  freeAt(limit: Limit, now: number): number | undefined {
    const free = this.free(limit, now)
    if (free > 0) return now
    const ended = this.#windows.get(limit.key)?.ended[-free]
    return ended === undefined ? undefined : ended + limit.millis
  }

  begin({ key, millis }: Limit): void {
    const window = this.#windows.get(key) ?? { underWay: 0, ended: [], millis }
    window.underWay++
    window.millis = millis
    this.#windows.set(key, window)
  }

  end({ key }: Limit, now: number): void {
    const window = this.#windows.get(key)
    if (!window || window.underWay === 0) return
    window.underWay--
    window.ended.push(now)
  }

  /** Whether sends of this key still count. */
  counts(key: string): boolean {
    return this.#windows.has(key)
  }

  /** The clock has jumped so far, and with it everything that was timed by it. */
  moved(by: number): void {
    for (const { ended } of this.#windows.values())
      for (const index of ended.keys()) ended[index] = (ended[index] as number) + by
  }

  /** Forgets keys that no longer limit anything. Call it from time to time. */
  tidy(now: number): void {
    for (const [key, window] of this.#windows) {
      forget(window, now - window.millis)
      if (window.underWay === 0 && window.ended.length === 0) this.#windows.delete(key)
    }
  }
}

const forget = ({ ended }: Window, until: number) => {
  let count = 0
  while (count < ended.length && (ended[count] as number) <= until) count++
  if (count > 0) ended.splice(0, count)
}
