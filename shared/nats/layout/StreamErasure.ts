// What is said of a person in each stream, and how it goes: one rule a stream, so that a new stream needs one to compile.
import { Effect, Result } from "effect"
import { decodeWith } from "#shared/actor/Decode.ts"
import { Contact } from "#shared/contract/Contacts.ts"
import {
  contactKey,
  type Erasing,
  isEvent,
  onErasure,
  type Remains,
  remainsOf,
  tellsOf,
  withoutPerson
} from "#shared/contract/Erasure.ts"
import { events } from "#shared/contract/Events.ts"
import { SenderState } from "#shared/contract/Senders.ts"
import { isSeriesCommand } from "#shared/contract/series/SeriesCommands.ts"
import { attempt, Nats, type NatsError } from "../connection/Nats.ts"
import type { Lying } from "../messages/Browse.ts"
import { eventMessage, Publisher } from "../messages/Publisher.ts"
import { removeAt } from "../messages/Removing.ts"
import { commandOf, type StreamName, Subject } from "./Topology.ts"

type Removal = Effect.Effect<void, NatsError, Nats | Publisher>

export interface Rule {
  readonly tells: (remains: Remains, erasing: Erasing, subject: string) => boolean
  /** For good, and overwritten on the disk. Left out: those who read the stream take it away when they are done. */
  readonly remove?: (found: Lying, erasing: Erasing) => Removal
}

const deleteOne =
  (stream: StreamName) =>
  ({ sequence }: Lying) =>
    Effect.asVoid(removeAt(stream, sequence))

const decodeScheduled = decodeWith(events.scheduled)

/** The one that takes its place stands before it goes: at no moment is the id free. */
const replaceOrDelete = Effect.fnUntraced(function* (found: Lying) {
  const { publish } = yield* Publisher
  const scheduled = decodeScheduled(found.text)
  if (Result.isSuccess(scheduled)) {
    const { messageId: _, ...message } = eventMessage(withoutPerson(scheduled.success), "erase")
    yield* publish([{ ...message, expectedSequence: found.sequence }])
  }
  yield* deleteOne("EVENTS")(found)
})

const tellsOfEvent = (remains: Remains, erasing: Erasing): boolean => {
  const { id, json } = remains
  const theirs = id !== undefined && erasing.ids.has(id)
  return (theirs && isEvent(json) && onErasure[json.type] === "goes") || tellsOf(remains, erasing)
}

const decodeState = decodeWith(SenderState)

/** A brake on an address: the sender's other state stays. */
const releaseBrake = Effect.fnUntraced(function* (found: Lying, { address }: Erasing) {
  const { publish } = yield* Publisher
  const state = decodeState(found.text)
  if (Result.isFailure(state) || address === undefined) return yield* deleteOne("SENDERS")(found)
  const { [address]: _, ...recipientsUntil } = state.success.brakes.recipientsUntil
  const payload = JSON.stringify({ ...state.success, brakes: { ...state.success.brakes, recipientsUntil } })
  yield* publish([{ subject: found.subject, payload, headers: {}, expectedSequence: found.sequence }])
})

/** What nobody could read is theirs as soon as it is about one of their messages. */
const tellsUnread = (remains: Remains, erasing: Erasing): boolean =>
  (remains.id !== undefined && erasing.ids.has(remains.id)) || tellsOf(remains, erasing)

/** A series, and a command about one, may have the id of some message: they have nothing to do with each other. */
export const isOfSeries = (stream: StreamName, { header, subject }: Lying): boolean => {
  const command = commandOf((stream === "QUARANTINE" ? header("carillon-subject") : undefined) ?? subject)
  return stream === "SERIES" || (command !== undefined && isSeriesCommand(command))
}

/** By whom it goes to alone: others may be told the same. */
const tellsOfRecipient = (remains: Remains, erasing: Erasing): boolean =>
  tellsOf(remains, { ...erasing, ids: none, texts: none })

const none: ReadonlySet<string> = new Set()

/** The chat of a contact, and what the buttons of a message stand for. All else names nobody: hashes, and what somebody wants. */
const tellsRemembered = (remains: Remains, erasing: Erasing, subject: string): boolean =>
  contactOf(subject) === undefined
    ? remains.id !== undefined && erasing.ids.has(remains.id)
    : tellsOfRecipient(remains, erasing)

/** Whose chat is remembered there. */
export const contactOf = (subject: string) => {
  const [platform, sender, contact] = subject.startsWith(contactSubjects)
    ? subject.slice(contactSubjects.length).split(".")
    : []
  return platform && sender && contact ? { platform, sender, contact } : undefined
}
const contactSubjects = Subject.memory("contact", "")

const ofContact: Rule["tells"] = (remains, erasing, subject) =>
  tellsRemembered(remains, erasing, subject) || isLinkedAgain(remains, erasing, subject)

const isLinkedAgain: Rule["tells"] = ({ text }, { endedBefore }, subject) => {
  const found = contactOf(subject)
  const removedAt = found && endedBefore?.links.get(contactKey({ ...found, recipient: found }))
  const link = removedAt === undefined ? undefined : Result.getOrUndefined(decodeContact(text))
  // Instants of the contract sort as text.
  return removedAt !== undefined && link !== undefined && link.linkedAt <= removedAt
}

/** To whom it goes; or one that was cancelled with an erasure, and says something again. */
const tellsOfSeries: Rule["tells"] = (remains, erasing, subject) =>
  tellsOfRecipient(remains, erasing) ||
  (erasing.endedBefore?.series.has(seriesIn(subject)) === true && hasTemplate(remains.json))

const hasTemplate = (json: unknown) => typeof json === "object" && json !== null && "template" in json

const seriesIn = (subject: string) => subject.slice(Subject.series("*").length - 1)

/** Of what is ended with an erasure, in the record: by it that is found again. */
export const erasedReason = "erased"

const spaced = { milliseconds: 200, times: 150 }

/** By the ordinary command, so that it is recorded: a series that is over holds nothing personal. */
const cancelSeries = Effect.fnUntraced(function* ({ subject }: Lying, erasing: Erasing) {
  const { publish } = yield* Publisher
  const command = { id: seriesIn(subject), reason: erasedReason }
  yield* publish([{ subject: Subject.command("cancel-series"), payload: JSON.stringify(command), headers: {} }])
  // No scheduler may be running: what is left is found by the search.
  yield* untilGone("SERIES", subject, erasing)
})

/** By the ordinary command too. Where no scheduler is running it goes all the same. */
const removeLink = Effect.fnUntraced(function* (found: Lying, erasing: Erasing) {
  const { publish } = yield* Publisher
  if (Result.isSuccess(decodeContact(found.text))) {
    const payload = JSON.stringify({ ...contactOf(found.subject), reason: erasedReason })
    yield* publish([{ subject: Subject.command("remove-link"), payload, headers: {} }])
    if (yield* untilGone("MEMORY", found.subject, erasing)) return
  }
  yield* deleteOne("MEMORY")(found)
})

const decodeContact = decodeWith(Contact)

/** Whether it was before the time was over. */
const untilGone = Effect.fnUntraced(function* (stream: "MEMORY" | "SERIES", subject: string, erasing: Erasing) {
  const { manager } = yield* Nats
  for (let n = 0; n < spaced.times; n++) {
    const newest = yield* attempt(`look at ${stream}`, () =>
      manager.streams.getMessage(stream, { last_by_subj: subject })
    )
    if (!newest || !streamErasure[stream].tells(remainsOf(newest.string()), erasing, subject)) return true
    yield* Effect.sleep(spaced.milliseconds)
  }
  return false
})

export const streamErasure: { readonly [Name in StreamName]: Rule } = {
  COMMANDS: { tells: tellsOf },
  TIMERS: { tells: tellsOf },
  EVENTS: { tells: tellsOfEvent, remove: replaceOrDelete },
  SENDERS: { tells: tellsOf, remove: releaseBrake },
  DEAD: { tells: tellsOf, remove: deleteOne("DEAD") },
  SERIES: { tells: tellsOfSeries, remove: cancelSeries },
  MEMORY: { tells: ofContact, remove: removeLink },
  QUARANTINE: { tells: tellsUnread, remove: deleteOne("QUARANTINE") }
}
