// The headers of a message, read and written without the client's checks of each name and value: for every message these
// cost more than everything else that is done with it.
import type { JsMsg } from "@nats-io/jetstream"
import { type MsgHdrs, MsgHdrsImpl } from "@nats-io/transport-node"
import type { Headers } from "#shared/contract/CloudEvents.ts"

/** With what is kept of something: the command that it was changed by last, by which one that is overtaken is known. */
export const changedByHeader = "carillon-changed-by"

const lineBreak = /[\r\n]/

/** As they travel, made once: the client's own are a map of lists first, and of each it asks whether it was there before. */
class Encoded extends MsgHdrsImpl {
  readonly #text: string
  constructor(text: string) {
    super()
    this.#text = text
  }
  override encode(): Uint8Array {
    return Buffer.from(this.#text)
  }
}

/** Names are our own. A value that begins another line would begin another header: it is a bug, and goes nowhere. */
export const headersOf = (given: Headers): MsgHdrs => {
  let text = "NATS/1.0"
  for (const name in given) {
    const value = given[name] as string
    if (lineBreak.test(value)) throw new Error(`a line break in the header ${name}`)
    text += `\r\n${name}: ${value}`
  }
  return new Encoded(`${text}\r\n\r\n`)
}

/** Where the client keeps them; not part of its interface, so perhaps not there. */
interface Raw {
  readonly msg?: { readonly _rdata?: Uint8Array; readonly _msg?: { readonly hdr?: number } }
}

/**
 * The headers where they stand, each by its exact name: the client would make a map of all of them first. Of one that was
 * given several times, the first.
 */
export const headersIn = (message: JsMsg): ((name: string) => string | undefined) => {
  const { msg } = message as unknown as Raw
  const bytes = msg?._rdata
  const length = msg?._msg?.hdr
  if (!(bytes instanceof Uint8Array) || typeof length !== "number")
    return (name) => message.headers?.get(name) || undefined
  const text = length <= 0 ? "" : Buffer.from(bytes.buffer, bytes.byteOffset, length).toString("utf8")
  return (name) => {
    const start = text.indexOf(`\r\n${name}:`)
    if (start < 0) return undefined
    const from = start + name.length + 3
    return text.slice(from, text.indexOf("\r\n", from)).trim() || undefined
  }
}

/** For what is kept: a piece that was cut out of the headers keeps all of them in memory. */
export const textOfItsOwn = (piece: string): string => Buffer.from(piece).toString()

/** One of them. */
export const headerOf = (message: JsMsg, name: string): string | undefined => headersIn(message)(name)
