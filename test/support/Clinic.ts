// Carillon with patients who press, write and block: what tests of inbound events stand on.
import { Effect } from "effect"
import { carillon, command, eventually, type Settings } from "./Carillon.ts"
import { cli } from "./Cli.ts"
import { eventsOf } from "./Streams.ts"

export const clinic = Effect.fnUntraced(function* (
  environment: Readonly<Record<string, string>> = {},
  settings: Pick<Settings, "answer" | "processes"> = {}
) {
  const all = yield* carillon({ environment, ...settings })
  const { database, nats, phones } = all
  const people = phones.people("1")
  const run = cli({ NATS_URL: nats.url, DATABASE_URL: database.url })
  const events = (type: string) => eventsOf(nats.url, `carillon.event.${type}.telegram`)
  const said = (chatId: number) =>
    phones.received.filter((one) => one.chatId === String(chatId)).map(({ text }) => text)
  return {
    ...all,
    people,
    run,
    events,
    /** So many events of a type, and no more. */
    told: (type: string, count: number) => eventually(type, events(type), ({ length }) => length === count),
    said,
    /** What a chat was sent, once it is so much. */
    heard: (chatId: number, count: number) =>
      eventually(
        `${count} messages to ${chatId}`,
        Effect.sync(() => said(chatId)),
        ({ length }) => length === count
      ),
    token: (contact: string, more: ReadonlyArray<string> = []) =>
      Effect.map(run(["link", "create", contact, "--json", ...more]), ({ err, out }) => {
        if (out === "") throw new Error(err)
        return (JSON.parse(out) as { readonly token: string }).token
      }),
    contacts: Effect.map(run(["link", "list", "--json", "--content"]), ({ out }) =>
      out
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    ),
    /** Every update is dealt with, and confirmed. */
    confirmed: eventually(
      "updates confirmed",
      Effect.sync(() => people.pending.length),
      (left) => left === 0
    )
  }
})

export const to = (id: string, recipient: object, more: object = {}) => command(id, 0, { recipient, ...more })
