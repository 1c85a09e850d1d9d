// Carries out what concerns the links of contacts: a token for a person to open, and the end of a link. A token is in the
// answer only: neither event nor log line has it, and what is kept is its hash.
import { Effect, Option, Result } from "effect"
import { defaultSender } from "#shared/contract/fields/Fields.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { decodeCommand, type Refusal } from "#shared/contract/Submission.ts"
import { contactsOf } from "#shared/gateway/people/Contacts.ts"
import { createToken } from "#shared/gateway/people/LinkTokens.ts"
import { readProfile } from "#shared/gateway/sender/SenderRecord.ts"
import type { Delivery } from "#shared/nats/messages/Mailbox.ts"
import { isAwaited } from "#shared/nats/messages/RequestReply.ts"
import { platformRules } from "#shared/platforms/Platforms.ts"
import { type Answer, body, causeOf, refused, wasSaid } from "../commands/Answer.ts"

const sevenDays = 7 * 86_400

export const createLink = Effect.fnUntraced(function* (delivery: Delivery, now: number) {
  const refuse = (refusal: Refusal) => refused("create-link", causeOf(delivery), refusal, fromMillis(now))
  const command = Result.flatMap(body(delivery), (json) => decodeCommand("create-link", json))
  if (Result.isFailure(command)) return refuse(command.failure)
  const { contact, platform, sender = defaultSender, expiresInSeconds = sevenDays } = command.success
  if (!platformRules[platform].addresses.includes("contact"))
    return refuse({ platform, problems: [{ path: "platform", problem: "has no links" }] })
  if (!isAwaited(delivery)) {
    const problem = "has nobody to get the token: send it as a request, to carillon.api.create-link"
    return refuse({ platform, problems: [{ path: "", problem }] })
  }
  const expiresAt = now + expiresInSeconds * 1_000
  // When it was asked for, not when it is carried out: links and removals have one order, that of their commands.
  const madeAt = delivery.time.getTime()
  // First: there is no token that cannot be taken back.
  yield* (yield* contactsOf(platform, sender)).offer(contact, fromMillis(madeAt))
  const token = yield* createToken(platform, sender, contact, expiresAt, madeAt)
  const profile = yield* readProfile(platform, sender)
  return {
    reply: {
      status: "link-created",
      contact,
      platform,
      sender,
      token,
      ...(Option.isSome(profile) ? { url: profile.value.linkPrefix + token } : {}),
      expiresAt: fromMillis(expiresAt)
    }
  } satisfies Answer
})

/** What was interrupted finds its own mark, and says so again. As of when it was asked for: links are told apart by that too. */
export const removeLink = Effect.fnUntraced(function* (delivery: Delivery, now: number) {
  const cause = causeOf(delivery)
  const at = fromMillis(now)
  const command = Result.flatMap(body(delivery), (json) => decodeCommand("remove-link", json))
  if (Result.isFailure(command)) return refused("remove-link", cause, command.failure, at)
  const { contact, platform, reason, sender = defaultSender } = command.success
  const about = { platform, sender, contact }
  const reply = { status: "link-removed" as const, ...about }
  const event = {
    ...{ type: "recipient-unlinked" as const, at, ...about, cause },
    ...(reason === undefined ? {} : { reason })
  }
  const contacts = yield* contactsOf(platform, sender)
  const removal = yield* contacts.remove(contact, fromMillis(delivery.time.getTime()))
  if (Result.isSuccess(removal)) return { reply, event } satisfies Answer as Answer
  return (yield* wasSaid(event, delivery))
    ? { reply }
    : refused("remove-link", cause, { platform, problems: [{ path: "contact", problem: removal.failure }] }, at)
})
