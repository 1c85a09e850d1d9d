// A publisher that knows nothing of Carillon: the NATS protocol over a socket, and JSON.
import { connect } from "node:net"
import { Effect } from "effect"

/** Publishes and waits until the server has it. Core publish: no acknowledgement by the stream. */
export const publishPlainly = (
  natsUrl: string,
  messages: ReadonlyArray<{ subject: string; payload: string | Uint8Array }>
) =>
  Effect.callback<void, Error>((resume) => {
    const { hostname, port } = new URL(natsUrl)
    const socket = connect(Number(port), hostname)
    socket.on("error", (error) => resume(Effect.fail(error)))
    socket.write('CONNECT {"verbose":false}\r\n')
    for (const { subject, payload } of messages) {
      const bytes = Buffer.from(payload)
      socket.write(`PUB ${subject} ${bytes.length}\r\n`)
      socket.write(bytes)
      socket.write("\r\n")
    }
    socket.write("PING\r\n")
    socket.on("data", (data) => {
      if (data.toString().includes("PONG")) {
        socket.end()
        resume(Effect.void)
      }
    })
  })
