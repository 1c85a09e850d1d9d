// Whose an erasure is: all messages of a person, by one message or by an address, and the contacts that have it.
import { Effect } from "effect"
import {
  type Channel,
  contactKey,
  type Erasing,
  remainsOf,
  tellsOf,
  textsIn,
  wordsOf
} from "#shared/contract/Erasure.ts"
import type { Message } from "#shared/contract/Events.ts"
import type { MessageId } from "#shared/contract/fields/Fields.ts"
import { contactOf } from "#shared/nats/layout/StreamErasure.ts"
import { Subject } from "#shared/nats/layout/Topology.ts"
import { browse } from "#shared/nats/messages/Browse.ts"
import { Postgres } from "#shared/postgres/Postgres.ts"
import type { ContentRow } from "../projection/Rows.ts"
import { erasedBefore } from "./ErasedBefore.ts"
import { searchAll, searchStreams } from "./Search.ts"

export interface Whom {
  readonly id?: MessageId
  readonly address?: string
  /** All that was erased before, which stands again where NATS was put back from a backup. */
  readonly again?: boolean
}

/** Whose messages they are is said by their addresses, wherever one of them stands. */
export const look = Effect.fnUntraced(function* ({ again, id, address }: Whom) {
  const { query } = yield* Postgres
  const ids = new Set<MessageId>(id === undefined ? [] : [id])
  const before = again ? yield* erasedBefore : undefined
  for (const id of before?.ids ?? []) ids.add(id)
  const contacts = address === undefined ? none : yield* contactsWith(address)
  if (address !== undefined) {
    for (const id of yield* messagesTo(address, contacts)) ids.add(id)
    yield* searchStreams(
      { ids: none, address, contacts, texts: none },
      {
        hits: (hits) =>
          Effect.sync(() => {
            for (const { remains } of hits) if (remains.id !== undefined) ids.add(remains.id)
          })
      }
    )
  }
  const kept = yield* query<Pick<ContentRow, "content" | "rest">>(
    "SELECT content, rest FROM carillon.message_contents WHERE message_id = ANY($1)",
    [[...ids]]
  )
  const contents = kept.flatMap(({ content, rest }) => [content, ...(rest.fallback ?? []).map((one) => one.content)])
  const texts = new Set(contents.flatMap(wordsOf))
  const erasing: Erasing = {
    ...{ ids, contacts, texts },
    ...(address === undefined ? {} : { address }),
    ...(before === undefined ? {} : { endedBefore: before.ended })
  }
  const seen = (remains: Parameters<typeof textsIn>[0]) => {
    for (const text of textsIn(remains, ids)) texts.add(text)
  }
  return { erasing, ...(yield* searchAll(erasing, { seen })) }
})

const none: ReadonlySet<string> = new Set()

interface Kept extends Pick<ContentRow, "recipient"> {
  readonly id: MessageId
  readonly fallback: NonNullable<ContentRow["rest"]["fallback"]>
  readonly first: Pick<Message, "platform" | "sender">
}

/** By what the tables keep. The row of what has fallen back stands for a further channel: the first is where it came from. */
const messagesTo = Effect.fnUntraced(function* (address: string, contacts: ReadonlySet<string>) {
  const { query } = yield* Postgres
  const perhaps = yield* query<Kept>(
    `SELECT message_id AS id, recipient, coalesce(rest -> 'fallback', '[]') AS fallback, coalesce(
       (SELECT detail -> 'from' FROM carillon.message_events e
        WHERE e.message_id = c.message_id AND type = 'fell-back' ORDER BY sequence LIMIT 1),
       (SELECT jsonb_build_object('platform', platform, 'sender', sender) FROM carillon.scheduled_messages m
        WHERE m.id = c.message_id)) AS first
     FROM carillon.message_contents c WHERE EXISTS (
       SELECT FROM jsonb_path_query(jsonb_build_array(recipient) || coalesce(rest -> 'fallback', '[]'), '$[*]') channel,
         jsonb_each_text(coalesce(channel -> 'recipient', channel)) address
       WHERE address.value = $1 OR address.key = 'contact' AND address.value = ANY($2))`,
    [address, [...contacts].map((key) => key.split(".")[2])]
  )
  const isTheirs = (channel: Channel) =>
    Object.values(channel.recipient ?? {}).includes(address) || contacts.has(contactKey(channel))
  return perhaps
    .filter(({ fallback, first, recipient }) => [{ ...first, recipient }, ...fallback].some(isTheirs))
    .map(({ id }) => id)
})

/** By the links that hold now: who had it before is written to elsewhere. */
const contactsWith = Effect.fnUntraced(function* (address: string) {
  const contacts = new Set<string>()
  yield* browse("MEMORY", Subject.memory("contact", ">"), (page) =>
    Effect.sync(() => {
      for (const { subject, text } of page) {
        const found = contactOf(subject)
        if (!found || !tellsOf(remainsOf(text), { ids: none, address, texts: none })) continue
        contacts.add(contactKey({ ...found, recipient: found }))
      }
      return true
    })
  )
  return contacts
})
