// A line of an import: whether it is good, as the scheduler would say, and the command that is published of it.
import { createHash } from "node:crypto"
import { Result } from "effect"
import { toMillis } from "#shared/contract/fields/Instants.ts"
import { decodeCommand, type Refusal, toMessage } from "#shared/contract/Submission.ts"
import { Subject } from "#shared/nats/layout/Topology.ts"
import type { Outgoing } from "#shared/nats/messages/Publisher.ts"
import { settling, unsendable } from "#shared/platforms/Platforms.ts"
import type { ImportRow } from "./ImportRows.ts"

const day = 86_400_000

/** Repeating a line within the stream's memory costs nothing more. */
export const outgoing = (payload: string): Outgoing => ({
  subject: Subject.command("schedule"),
  payload,
  headers: {},
  messageId: `import-${createHash("sha256").update(payload).digest("base64url")}`
})

const readable = ({ command, problem = "is not JSON" }: ImportRow): Result.Result<unknown, Refusal> =>
  command === undefined ? Result.fail({ problems: [{ path: "", problem }] }) : Result.succeed(command)

/** Answers with the text that it was given too: the command as JSON. What says nothing of a deadline has a day here. */
export const checked = (row: ImportRow, text: string) =>
  Result.mapError(
    Result.flatMap(
      Result.flatMap(readable(row), (json) => decodeCommand("schedule", json)),
      (decoded) =>
        Result.map(
          // Whether text that is too long is split is the scheduler's to say.
          toMessage(
            decoded,
            { now: Date.now(), maxLateness: () => day, settled: settling("split"), unsendable },
            Buffer.byteLength(text)
          ),
          ({ expiresAt, id }) => ({ text, line: row.line, id, expiresAt, isExpired: Date.now() > toMillis(expiresAt) })
        )
    ),
    // Neither text nor address: a report is sent around.
    ({ id, problems }) => ({ line: row.line, ...(id === undefined ? {} : { id }), problems })
  )
