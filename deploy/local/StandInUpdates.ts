// What the stand-in of the Bot API tells a bot of its people: updates that are fetched by one at a time, or brought to a
// webhook, and come again until they are confirmed, as Telegram's do.
import type { ServerResponse } from "node:http"

/** The methods that this part of the stand-in answers. */
export const updateMethods: ReadonlySet<string> = new Set([
  "getUpdates",
  "setWebhook",
  "deleteWebhook",
  "answerCallbackQuery"
])

export interface StandInUpdate {
  readonly update_id: number
  readonly [kind: string]: unknown
}

interface Webhook {
  readonly url: string
  readonly secret: string
}

/** A question that waits for updates. */
interface Poll {
  readonly limit: number
  readonly response: ServerResponse
  readonly timer: NodeJS.Timeout
}

export type Answer = { readonly result: unknown } | { readonly code: number; readonly description: string }

/** One bot's people. All that they do is an update, which is answered with, so that it can be sent again. */
export class StandInUpdates {
  #next = 1
  readonly #pending: Array<StandInUpdate> = []
  #poll: Poll | undefined
  #delivering: Promise<void> = Promise.resolve()
  readonly #say: (response: ServerResponse, answer: Answer) => void

  webhook: Webhook | undefined
  /** How often updates were asked for, and how often in vain because another asked too. */
  polls = 0
  conflicts = 0
  /** How late anything is answered here. */
  lateMillis = 0
  /** Buttons that came to rest: the ids of their presses. */
  readonly answeredButtons: Array<string> = []

  constructor(say: (response: ServerResponse, answer: Answer) => void) {
    this.#say = say
  }

  /** Those that nobody has confirmed. */
  get pending(): ReadonlyArray<StandInUpdate> {
    return this.#pending
  }

  /** Somebody waits for updates now. */
  get polled(): boolean {
    return this.#poll !== undefined
  }

  writes(chatId: number, text: string, more: object = {}): StandInUpdate {
    const date = Math.floor(Date.now() / 1_000)
    return this.#happens({
      message: { message_id: 1, date, chat: privateChat(chatId), from: person(chatId), text, ...more }
    })
  }

  /** Opens a link: the client writes this command. */
  pressesStart(chatId: number, token: string): StandInUpdate {
    return this.writes(chatId, `/start ${token}`)
  }

  blocks(chatId: number): StandInUpdate {
    return this.#membership(chatId, "kicked")
  }

  unblocks(chatId: number): StandInUpdate {
    return this.#membership(chatId, "member")
  }

  /** `chat`: what is different of the chat in which they press it. */
  pressesButton(chatId: number, data: string, messageId = 1, chat: object = {}): StandInUpdate {
    const message = { message_id: messageId, date: 0, chat: { ...privateChat(chatId), ...chat } }
    return this.#happens({ callback_query: { id: `press-${this.#next}`, from: person(chatId), message, data } })
  }

  /** The same update again, as after an answer that got lost. */
  comesAgain(update: StandInUpdate): void {
    this.#pending.push(update)
    this.#hand()
  }

  #membership(chatId: number, status: string): StandInUpdate {
    const date = Math.floor(Date.now() / 1_000)
    return this.#happens({ my_chat_member: { chat: privateChat(chatId), date, new_chat_member: { status } } })
  }

  #happens(what: object): StandInUpdate {
    const update = { update_id: this.#next++, ...what }
    this.#pending.push(update)
    this.#hand()
    return update
  }

  /** Nothing if the answer comes later. */
  answer(method: string, fields: Readonly<Record<string, unknown>>, response: ServerResponse): Answer | undefined {
    if (this.lateMillis === 0) return this.#answer(method, fields, response)
    setTimeout(() => {
      const answer = this.#answer(method, fields, response)
      if (answer) this.#say(response, answer)
    }, this.lateMillis).unref()
    return undefined
  }

  #answer(method: string, fields: Readonly<Record<string, unknown>>, response: ServerResponse): Answer | undefined {
    switch (method) {
      case "getUpdates":
        return this.#ask(fields, response)
      case "setWebhook":
        this.webhook = { url: String(fields.url), secret: String(fields.secret_token ?? "") }
        this.#hand()
        return { result: true }
      case "deleteWebhook":
        this.webhook = undefined
        return { result: true }
      default:
        this.answeredButtons.push(String(fields.callback_query_id))
        return { result: true }
    }
  }

  #ask(fields: Readonly<Record<string, unknown>>, response: ServerResponse): Answer | undefined {
    if (this.webhook) return { code: 409, description: "Conflict: can't use getUpdates method while webhook is active" }
    this.polls++
    if (this.#poll) {
      this.conflicts++
      this.#settle({ code: 409, description: "Conflict: terminated by other getUpdates request" })
    }
    const offset = Number(fields.offset ?? 0)
    for (const update of this.#pending.filter(({ update_id }) => update_id < offset))
      this.#pending.splice(this.#pending.indexOf(update), 1)
    const timer = setTimeout(() => this.#settle({ result: [] }), Number(fields.timeout ?? 0) * 1_000)
    this.#poll = { limit: Number(fields.limit ?? 100), response, timer: timer.unref() }
    response.on("close", () => {
      if (this.#poll?.response === response) this.#poll = undefined
    })
    this.#hand()
    return undefined
  }

  #hand(): void {
    if (this.webhook) this.#delivering = this.#delivering.then(() => this.#bring())
    else if (this.#poll && this.#pending.length > 0) this.#settle({ result: this.#pending.slice(0, this.#poll.limit) })
  }

  #settle(answer: Answer): void {
    if (!this.#poll) return
    const { response, timer } = this.#poll
    clearTimeout(timer)
    this.#poll = undefined
    this.#say(response, answer)
  }

  /** One after the other, each until it is taken. */
  async #bring(): Promise<void> {
    for (let update = this.#pending[0]; update && this.webhook; update = this.#pending[0]) {
      const { secret, url } = this.webhook
      const headers = { "content-type": "application/json", "x-telegram-bot-api-secret-token": secret }
      const taken = await fetch(url, { method: "POST", headers, body: JSON.stringify(update) }).then(
        ({ ok }) => ok,
        () => false
      )
      if (taken) this.#pending.splice(this.#pending.indexOf(update), 1)
      else await new Promise((resolve) => setTimeout(resolve, 100).unref())
    }
  }
}

const privateChat = (id: number) => ({ id, type: "private", first_name: "A patient" })
const person = (id: number) => ({ id, is_bot: false, first_name: "A patient" })
