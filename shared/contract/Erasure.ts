// What is personal in what is stored, and what is left of a message whose person asked to be forgotten. Pure.
import { type Event, type EventOf, type EventType, Message } from "./Events.ts"
import { defaultSender, type Instant, type MessageId, type SeriesId } from "./fields/Fields.ts"

/** What becomes of an event of such a message: it holds nothing personal, or goes, or another takes its place. */
export const onErasure = {
  scheduled: "replaced",
  rescheduled: "goes",
  rejected: "stays",
  cancelled: "stays",
  dispatched: "goes",
  expired: "stays",
  "send-started": "goes",
  "part-sent": "stays",
  sent: "stays",
  "attempt-failed": "goes",
  "retry-scheduled": "goes",
  "fell-back": "goes",
  redriven: "goes",
  discarded: "stays",
  resolved: "stays",
  failed: "stays",
  unknown: "stays",
  overdue: "stays",
  erased: "stays",
  "orders-changed": "stays",
  "circuit-changed": "stays",
  "series-changed": "stays",
  "occurrences-missed": "stays",
  "recipient-linked": "goes",
  "recipient-blocked": "goes",
  "recipient-unblocked": "goes",
  "recipient-unlinked": "stays",
  "reply-received": "goes",
  "opted-out": "goes",
  "opted-in": "goes"
} as const satisfies { readonly [Type in EventType]: "stays" | "goes" | "replaced" }

const nobody: Message["recipient"] = { chatId: "0" }
const nothing = { type: "text", text: "erased" } as const satisfies Message["content"]

/**
 * Takes the place of the event that scheduled it: its id stays used, so that a publisher who says it again is told of a
 * conflict, and nobody gets it twice.
 */
export const withoutPerson = (event: EventOf<"scheduled">): EventOf<"scheduled"> => {
  const { fallback: _, ...message } = event.message
  // What a newer service wrote may be personal.
  const known = Object.fromEntries(Object.entries(message).filter(([key]) => key in Message.fields)) as typeof message
  return { ...event, message: { ...known, recipient: nobody, content: nothing, metadata: {} } }
}

/** What it says nothing of any more. */
export const leftOut: ReadonlySet<string> = new Set<keyof Message>(["recipient", "content", "fallback", "metadata"])

/** Whether it is what is left of such a message: it has ended, and there is nothing to be sent. */
export const isWithoutPerson = ({ recipient, content }: Message): boolean => isErased(recipient) && isErased(content)

/** Whom an erasure is about. */
export interface Erasing {
  readonly ids: ReadonlySet<MessageId>
  /** All that is said to or of this address, whatever message it belongs to. */
  readonly address?: string
  /** Who has this address now, as `contactKey` names them: what goes to them goes there. */
  readonly contacts?: ReadonlySet<string>
  /** What these messages said, as far as it was found. */
  readonly texts: ReadonlySet<string>
  /** What was ended with an erasure before, and may stand again as it was. */
  readonly endedBefore?: EndedBefore
}

export interface EndedBefore {
  readonly series: ReadonlySet<SeriesId>
  /** By `contactKey`: when its link was removed last. One that was made later is none of it. */
  readonly links: ReadonlyMap<string, Instant>
}

/** Something stored, read as far as it can be. */
export interface Remains {
  /** The message that it is about, if one. */
  readonly id?: MessageId
  /** Not there if it is not JSON. */
  readonly json?: unknown
  readonly text: string
}

export const remainsOf = (text: string, subjectOfEvent?: string): Remains => {
  try {
    const json = carriedIn(JSON.parse(text))
    const id = idIn(json) ?? subjectOfEvent
    return { text, json, ...(id === undefined ? {} : { id }) }
  } catch {
    return { text, ...(subjectOfEvent === undefined ? {} : { id: subjectOfEvent }) }
  }
}

/** Of a CloudEvent in structured mode what it carries, with all else that it says: its own id is none of a message's. */
const carriedIn = (json: unknown): unknown => {
  const { data, data_base64: base64, id: _, ...envelope } = (json ?? {}) as { readonly [key: string]: unknown }
  if (data === undefined && base64 === undefined) return json
  const carried = typeof base64 === "string" ? read(Buffer.from(base64, "base64").toString()) : data
  return typeof carried === "object" && carried !== null ? { envelope, ...carried } : { envelope, carried }
}

const read = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** An event or a dead letter, an attempt, a change of a timer, or a command. */
const idIn = (json: unknown): MessageId | undefined => {
  const { message, old, id } = (json ?? {}) as { readonly [key: string]: unknown }
  const within = (message ?? (old as { readonly message?: unknown } | undefined)?.message) as
    | { readonly id?: unknown }
    | undefined
  const found = within?.id ?? id
  return typeof found === "string" ? found : undefined
}

/** Whether this tells anything personal of them. */
export const tellsOf = (remains: Remains, erasing: Erasing): boolean => {
  const { address, contacts = none, ids, texts } = erasing
  const { id, json, text } = remains
  if (json === undefined) {
    return (
      (id !== undefined && ids.has(id)) ||
      (address !== undefined && text.includes(address)) ||
      text.split(beyondIds).some((word) => ids.has(word)) ||
      [...texts].some((one) => text.includes(one))
    )
  }
  const theirs = id !== undefined && ids.has(id)
  // The same text may be said to others: theirs is what is said under their ids, or under none.
  const says = theirs || id === undefined ? texts : none
  return visit(json, (key, value, within) =>
    key === address || (typeof value === "string" && (value === address || says.has(value)))
      ? true
      : (theirs && personal.has(key) && !isErased(value)) || (key === "recipient" && goesToOneOf(contacts, within))
  )
}

/** An id may be a piece of another one. */
const beyondIds = /[^A-Za-z0-9_-]+/

export interface Channel {
  readonly platform?: unknown
  readonly sender?: unknown
  readonly recipient?: { readonly contact?: unknown } | null
}

/** Every sender has contacts of its own: the same id under another one is somebody else. */
export const contactKey = ({ platform, sender = defaultSender, recipient }: Channel): string =>
  `${platform}.${sender}.${recipient?.contact}`

const goesToOneOf = (contacts: ReadonlySet<string>, channel: Channel) =>
  contacts.size > 0 && contacts.has(contactKey(channel))

const none: ReadonlySet<string> = new Set()
const personal = new Set(["recipient", "content", "fallback", "movedTo"])
const erasedValues = new Set([nobody, nothing].map((value) => JSON.stringify(value)))
const isErased = (value: unknown) => erasedValues.has(JSON.stringify(value))

/** What a message says in words of its own: its text, or what stands below its files. */
export const wordsOf = (content: unknown): ReadonlyArray<string> => {
  const { text, caption, items } = (content ?? {}) as { readonly [key: string]: unknown }
  const own = [text, caption].filter((words) => typeof words === "string" && words !== nothing.text)
  return [...(own as ReadonlyArray<string>), ...(Array.isArray(items) ? items.flatMap(wordsOf) : [])]
}

/** The texts that it says under their ids. */
export const textsIn = ({ id, json }: Remains, ids: ReadonlySet<MessageId>): ReadonlyArray<string> => {
  const found: Array<string> = []
  if (id === undefined || !ids.has(id)) return found
  visit(json, (key, value) => {
    if (key === "content") found.push(...wordsOf(value))
    return false
  })
  return found
}

/** True as soon as one of all the keys and values within satisfies, together with what they stand in. */
const visit = (value: unknown, wanted: (key: string, value: unknown, within: object) => boolean): boolean =>
  typeof value === "object" &&
  value !== null &&
  Object.entries(value).some(([key, inner]) => wanted(key, inner, value) || visit(inner, wanted))

export const isEvent = (json: unknown): json is Pick<Event, "type"> =>
  typeof json === "object" && json !== null && Object.hasOwn(onErasure, (json as { readonly type: string }).type)
