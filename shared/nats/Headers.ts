// Reads one header of a message where it stands. The client makes a map of all of them first, which costs more than
// everything else that is done with an event of the log.
import type { JsMsg } from "@nats-io/jetstream"

/** Where the client keeps them; not part of its interface, so perhaps not there. */
interface Raw {
  readonly msg?: { readonly _rdata?: Uint8Array; readonly _msg?: { readonly hdr?: number } }
}

/** By its exact name; of a header that was given several times, the first. */
export const headerOf = (message: JsMsg, name: string): string | undefined => {
  const { msg } = message as unknown as Raw
  const bytes = msg?._rdata
  const length = msg?._msg?.hdr
  if (!(bytes instanceof Uint8Array) || typeof length !== "number") return message.headers?.get(name) || undefined
  if (length <= 0) return undefined
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, length).toString("utf8")
  const start = text.indexOf(`\r\n${name}:`)
  if (start < 0) return undefined
  const from = start + name.length + 3
  return text.slice(from, text.indexOf("\r\n", from)).trim() || undefined
}
