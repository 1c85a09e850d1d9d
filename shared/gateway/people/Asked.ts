// What is remembered of a message with reply buttons, from before it is sent until they are understood no more. A platform
// hands on whatever a client says was pressed, and a message's id can be guessed: only what agrees is believed. Pure.
import { Option, Result, Schema } from "effect"
import { decodeWith } from "#shared/actor/Decode.ts"
import { MessageId } from "#shared/contract/fields/Fields.ts"

/** `chat`: where it went, by the name that contacts give an address. `replies`: the codes that stand on it. */
const Asked = Schema.Struct({ id: MessageId, chat: Schema.String, replies: Schema.Array(Schema.String) })
export type Asked = typeof Asked.Type

const decode = decodeWith(Asked)

export const writeAsked = (asked: Asked): string => JSON.stringify(asked)

/**
 * The message that was replied to, from a chat with these names; none if it did not go there, or has no such reply. A bare
 * id, as it was once remembered, proves nothing: such a reply is told without its message.
 */
export const idAsked = (remembered: string, reply: string, chats: ReadonlyArray<string>): Option.Option<MessageId> =>
  Option.map(
    Option.filter(
      Result.getSuccess(decode(remembered)),
      (asked) => chats.includes(asked.chat) && asked.replies.includes(reply)
    ),
    ({ id }) => id
  )
