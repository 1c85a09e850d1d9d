// Removes what is personal of a message, or of all messages to an address, from every stream and table; keeps what became
// of them, and proves it by searching. Run by an operator, with rights that no service has.
import { randomUUID } from "node:crypto"
import { Effect, Schema } from "effect"
import type { Erasing } from "#shared/contract/Erasure.ts"
import type { EventOf } from "#shared/contract/Events.ts"
import type { MessageId } from "#shared/contract/fields/Fields.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { streamErasure } from "#shared/nats/layout/StreamErasure.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import { Postgres } from "#shared/postgres/Postgres.ts"
import { checkpoint } from "../projection/Checkpoint.ts"
import { newest } from "../projection/LogPosition.ts"
import { alone } from "../rebuild/Alone.ts"
import { dropRebuilt } from "../rebuild/Rebuild.ts"
import { endThem, rowsOf } from "./Ending.ts"
import { type Places, searchAll, searchStreams } from "./Search.ts"
import { look, type Whom } from "./Whose.ts"

export class EraseRefused extends Schema.TaggedError<EraseRefused>()("EraseRefused", { problem: Schema.String }) {
  override get message() {
    return this.problem
  }
}

export interface Wish extends Whom {
  readonly reason?: string
  /** Only look. */
  readonly dryRun: boolean
  /** How long messages that are just being sent are waited for, and a ledger that is behind. */
  readonly waitMillis: number
  readonly ledgerWaitMillis: number
  readonly onProgress: (what: string) => Effect.Effect<void>
}

export interface Report {
  /** Messages that it is about, of which there is a record. */
  readonly messages: number
  /** Cancelled, because they still waited. */
  readonly cancelled: number
  /** Without anything personal from now on; those that were so before do not count. */
  readonly erased: number
  /** Who has linked the address, as `platform.sender.contact`: their messages and series go with it, and their links. */
  readonly contacts: ReadonlyArray<string>
  /** Not ended: left as they are. */
  readonly underWay: ReadonlyArray<MessageId>
  /** What was found before, by stream, and by table and column. */
  readonly found: Places
  /** What was removed, by stream. */
  readonly removed: Places
  /** What is found after all: nothing, unless something is left. */
  readonly left: Places
  /** How many messages of each stream were searched in the end. */
  readonly searched: Places
}

const busy = () => new EraseRefused({ problem: "A rebuild or another erasure is under way: wait until it is done." })

/** Whatever interrupts it, it can be started again, and finds what is left to do. */
export const erase = Effect.fn("ledger.erase")((wish: Wish) => alone(busy, () => eraseAlone(wish)))

const eraseAlone = Effect.fnUntraced(function* (wish: Wish) {
  yield* sameLog
  yield* wish.onProgress("looking for what is there")
  const { erasing, found, searched } = yield* look(wish)
  const before = yield* rowsOf(erasing.ids)
  const report = {
    ...{ messages: before.size, cancelled: 0, erased: 0, contacts: [...(erasing.contacts ?? [])] },
    ...{ removed: {}, left: {}, found, searched }
  }
  if (wish.dryRun) {
    return {
      ...report,
      underWay: [...before.values()].flatMap(({ ended, id }) => (ended ? [] : [id]))
    } satisfies Report
  }
  yield* dropRebuilt
  yield* wish.onProgress("cancelling what waits, and waiting for what is being sent")
  yield* ledgerCaughtUp(wish)
  const { cancelled, underWay } = yield* endThem(erasing.ids, Date.now() + wish.waitMillis)
  const ids = new Set([...erasing.ids].filter((id) => !underWay.includes(id)))
  const erased = yield* sayErased(ids, wish)
  yield* ledgerCaughtUp(wish)
  yield* wish.onProgress("removing it")
  const removed = yield* removeFromStreams({ ...erasing, ids })
  yield* wish.onProgress("searching for what is left")
  const after = yield* searchAll(erasing)
  return {
    ...report,
    ...{ cancelled, erased, removed, underWay },
    ...{ left: after.found, searched: after.searched }
  } satisfies Report
})

/** Tables of another installation, or of a NATS that was lost since, know nothing of what stands in this one. */
const sameLog = Effect.gen(function* () {
  const { query } = yield* Postgres
  const log = yield* EventLog
  const found = yield* checkpoint(query, "carillon")
  if (found && found.log !== (yield* log.extent).created) {
    return yield* new EraseRefused({
      problem:
        "The tables are of another event log than that of this NATS: are NATS_URL and DATABASE_URL those of one installation? If NATS was made anew, let the ledger run first."
    })
  }
})

/** What was just said of them stands in the tables: only then may it go from the log. */
const ledgerCaughtUp = Effect.fnUntraced(function* ({ ledgerWaitMillis }: Wish) {
  const { query } = yield* Postgres
  const deadline = Date.now() + ledgerWaitMillis
  const last = yield* newest
  while (true) {
    const at = (yield* checkpoint(query, "carillon"))?.sequence ?? 0
    if (at >= last) return
    if (Date.now() > deadline) {
      return yield* new EraseRefused({
        problem: `The ledger is ${last - at} events behind: see that it runs, and start this again.`
      })
    }
    yield* Effect.sleep("200 millis")
  }
})

const sayErased = Effect.fnUntraced(function* (ids: ReadonlySet<MessageId>, { reason }: Wish) {
  const { append } = yield* Publisher
  const cause = `erase-${randomUUID()}`
  const at = fromMillis(Date.now())
  const rows = [...(yield* rowsOf(ids)).values()].filter(({ erasedAt }) => erasedAt === null)
  yield* append(
    rows.map(
      ({ id, platform }): EventOf<"erased"> => ({
        type: "erased",
        ...{ at, id, cause },
        ...(platform === null ? {} : { platform }),
        ...(reason === undefined ? {} : { reason })
      })
    )
  )
  return rows.length
})

/** What belongs to a message that has not ended, or to one that came since, stays: it would be lost to its readers. */
const removeFromStreams = Effect.fnUntraced(function* (erasing: Erasing) {
  const removed: Record<string, number> = {}
  yield* searchStreams(erasing, {
    hits: (hits) =>
      Effect.forEach(
        hits.filter(({ remains: { id } }) => id === undefined || erasing.ids.has(id)),
        ({ found, stream }) => {
          const { remove } = streamErasure[stream]
          if (!remove) return Effect.void
          removed[stream] = (removed[stream] ?? 0) + 1
          return remove(found, erasing)
        },
        { concurrency: 16, discard: true }
      )
  })
  return removed as Places
})
