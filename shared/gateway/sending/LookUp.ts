// Where the contacts among the recipients of messages are to be reached now.
import { Effect, Option } from "effect"
import type { Attempt } from "#shared/contract/Events.ts"
import type { ContactId, Recipient } from "#shared/contract/fields/Fields.ts"
import type { Hearer } from "../people/Updates.ts"

/** Without those who have no chat. NATS is asked once for each contact, and not at all where there is none. */
export const lookUp = Effect.fnUntraced(function* ({ contacts }: Hearer, attempts: ReadonlyArray<Attempt>) {
  const asked = new Set(attempts.flatMap(({ message }) => message.recipient.contact ?? []))
  const found = new Map<ContactId, Recipient>()
  yield* Effect.forEach(
    asked,
    (contact) =>
      Effect.map(contacts.find(contact), (known) => {
        if (Option.isSome(known)) found.set(contact, known.value.recipient)
      }),
    { concurrency: 50, discard: true }
  )
  return found
})
