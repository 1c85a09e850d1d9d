// Chance that can be had again: everything a plan draws follows from its seed.

/** Mulberry32: small, known, good enough to choose faults by. From 0 to 1. */
export const randomFrom = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
export type Random = ReturnType<typeof randomFrom>

export const pick = <A>(random: Random, ...weighted: ReadonlyArray<readonly [weight: number, value: A]>): A => {
  let left = random() * weighted.reduce((sum, [weight]) => sum + weight, 0)
  for (const [weight, value] of weighted) {
    left -= weight
    if (left < 0) return value
  }
  return (weighted.at(-1) as readonly [number, A])[1]
}

export const oneOf = <A>(random: Random, all: ReadonlyArray<A>): A => all[Math.floor(random() * all.length)] as A
