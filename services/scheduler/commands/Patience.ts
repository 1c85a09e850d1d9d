// A command that is about something unknown may have come before it: what is to make it may be in another's hands.
import { Effect, Option } from "effect"
import type { Message } from "#shared/contract/Events.ts"
import { occurrenceMessageId } from "#shared/contract/series/Series.ts"
import { ackFloor } from "#shared/nats/layout/Inspect.ts"
import { consumers, Subject } from "#shared/nats/layout/Topology.ts"
import type { Delivery } from "#shared/nats/messages/Mailbox.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import { SeriesStore } from "#shared/nats/stores/SeriesStore.ts"

/**
 * So often it is looked at while older commands are in hand: for five minutes, longer than a replica may be away with them.
 * Its age says nothing: after an outage it is old when it is first looked at. What could not be carried out counts too.
 */
const mostLooks = 600

/** So often a message is asked back from a gateway that may hold it, half a second apart. Then it is being sent, or was. */
const mostAsked = 4

export const mayBeGivenBack = ({ info }: Delivery) => info.deliveryCount < mostAsked

const isNew = ({ info }: Delivery) => info.deliveryCount === 1
const isPatient = ({ info }: Delivery) => info.deliveryCount < mostLooks

/**
 * Tells of these commands whether an older one to schedule may still be carried out; of a new one it is not even asked. To
 * be asked before what they are about is looked for: what is carried out in between is found then.
 */
export const mayCome = Effect.fnUntraced(function* (
  name: "schedule" | "schedule-series",
  commands: ReadonlyArray<Delivery>
) {
  if (!commands.some((command) => !isNew(command) && isPatient(command))) return isNew
  const log = yield* EventLog
  // One that was carried out may have stayed: who waits for it takes up the room of all others.
  const floor = yield* ackFloor(consumers.schedulerCommands)
  const oldest = yield* log.next("COMMANDS", floor + 1, Subject.command(name))
  const first = Option.match(oldest, { onNone: () => Number.POSITIVE_INFINITY, onSome: ({ sequence }) => sequence })
  return (command: Delivery) => isNew(command) || (isPatient(command) && command.seq > first)
})

/** The same of a message that no command schedules but the tick of its series: it is made of what that has claimed. */
export const mayComeByTick = Effect.fnUntraced(function* (command: Delivery, message: Message | undefined) {
  if (!message?.series || isNew(command) || !isPatient(command)) return false
  const store = yield* SeriesStore
  return Option.exists(yield* store.find(message.series.id), ({ series }) =>
    (series.outbox?.occurrences ?? []).some(({ name }) => occurrenceMessageId(series, name) === message.id)
  )
})
