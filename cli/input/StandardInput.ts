// What comes from outside as bytes, as text: strictly, for what is not UTF-8 would reach a patient as other signs. Of
// standard input no more than a message can hold.

/** As much as NATS takes in one message: no command is longer. Bytes. */
export const longestCommand = 1_048_576

const strictly = () => new TextDecoder("utf-8", { fatal: true })

export const textOf = (bytes: Uint8Array): string => strictly().decode(bytes)

export const isNotUtf8 = (error: unknown): boolean =>
  (error as { readonly code?: unknown } | undefined)?.code === "ERR_ENCODING_INVALID_ENCODED_DATA"

/** The same bytes, up to the first that are not UTF-8; or UTF-16, as their first two say. */
export async function* inUtf8(input: AsyncIterable<Buffer>) {
  const decoder = strictly()
  let other: boolean | undefined
  for await (const chunk of input) {
    other ??= chunk[0] === 0xff && chunk[1] === 0xfe
    if (!other) decoder.decode(chunk, { stream: true })
    yield chunk
  }
  if (!other) decoder.decode()
}

export const standardInput = () => read(() => false)

/** One line, typed by who is asked for it or piped in; what follows is not read. Without the blanks around it. */
export const lineOfInput = async (asked: string): Promise<string> => {
  if (process.stdin.isTTY) process.stderr.write(`${asked}: `)
  const text = await read((chunk) => chunk.includes("\n"))
  return text.split("\n")[0]?.trim() ?? ""
}

const read = async (enough: (chunk: Buffer) => boolean): Promise<string> => {
  // What one flag has read is not there for another.
  if (process.stdin.readableEnded || process.stdin.destroyed) throw new Error("it was read already")
  const chunks: Array<Buffer> = []
  let length = 0
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > longestCommand) throw new Error("it is too long")
    chunks.push(chunk)
    if (enough(chunk)) break
  }
  return textOf(Buffer.concat(chunks))
}
