// What has come and nobody has taken yet, with a bound in messages and in bytes: whoever brings more waits for room.
import { Array, type Cause, Effect, Queue } from "effect"

export interface Taking<A, E> {
  /** At least one, and no more than that. */
  readonly take: (most: number) => Effect.Effect<Array.NonEmptyReadonlyArray<A>, E>
}

export interface Waiting<A, E> extends Taking<A, E> {
  /** Answers when there is room: fewer wait than this. */
  readonly room: () => Promise<void>
  /** Into room that was waited for, or beyond it. */
  readonly put: (one: A, bytes: number) => void
  /** Told to the taker when what waits has been taken. */
  readonly fail: (cause: Cause.Cause<E>) => void
  /** Takes out all that waits. */
  readonly clear: Effect.Effect<ReadonlyArray<A>>
}

export const waitingRoom = Effect.fnUntraced(function* <A, E>(most: {
  readonly messages: number
  readonly bytes: number
}) {
  const queue = yield* Queue.unbounded<{ readonly one: A; readonly bytes: number }, E>()
  const load = { messages: 0, bytes: 0 }
  let untilRoom: Array<() => void> = []
  const full = () => load.messages >= most.messages || load.bytes >= most.bytes
  const waiting: Waiting<A, E> = {
    room: async () => {
      while (full())
        await new Promise<void>((resolve) => {
          untilRoom.push(resolve)
        })
    },
    put: (one, bytes) => {
      load.messages++
      load.bytes += bytes
      Queue.offerUnsafe(queue, { one, bytes })
    },
    take: (most) =>
      Effect.map(Queue.takeBetween(queue, 1, most), (taken) => {
        load.messages -= taken.length
        for (const { bytes } of taken) load.bytes -= bytes
        if (!full()) {
          for (const resolve of untilRoom) resolve()
          untilRoom = []
        }
        // The queue gives one at least.
        return Array.map(taken as Array.NonEmptyArray<(typeof taken)[number]>, ({ one }) => one)
      }),
    fail: (cause) => void Queue.failCauseUnsafe(queue, cause),
    clear: Effect.map(
      Effect.orElseSucceed(Queue.clear(queue), () => []),
      (left) => left.map(({ one }) => one)
    )
  }
  return waiting
})
