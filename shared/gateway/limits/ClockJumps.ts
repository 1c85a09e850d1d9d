// Notices that the wall clock was set: it has then gained or lost time that did not pass. Messages are due by the wall
// clock; limits and waits are measured by it too, and must not end early or last for ever because of that. Pure.

/** Less than this is left alone: it is NTP that puts the clock right, or this process that had to wait in between. */
const leastMillis = 50

/** Answers how far the clock has jumped since it was asked last: 0, as a rule. */
export const clockJumps = (wall: () => number, steady: () => number) => {
  let apart = wall() - steady()
  return (): number => {
    const jump = wall() - steady() - apart
    if (Math.abs(jump) < leastMillis) return 0
    apart += jump
    return Math.round(jump)
  }
}
