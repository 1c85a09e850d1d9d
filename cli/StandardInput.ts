// Standard input as text, for what is not to stand in arguments: no more of it than a message can hold.

/** As much as NATS takes in one message: no command is longer. Bytes. */
export const longestCommand = 1_048_576

export const standardInput = async (): Promise<string> => {
  const chunks: Array<Buffer> = []
  let length = 0
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > longestCommand) throw new Error("too long")
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString("utf8")
}
