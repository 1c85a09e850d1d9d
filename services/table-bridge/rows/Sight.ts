// What a row of the user's table asks for: a message with everything filled in, nothing, or something that cannot be. Pure.
import { createHmac } from "node:crypto"
import { Result } from "effect"
import type { Message } from "#shared/contract/Events.ts"
import { type Instant, type Platform, type Problem, platforms } from "#shared/contract/fields/Fields.ts"
import { decodeCommand, type Rules, toMessage } from "#shared/contract/Submission.ts"
import { platformRules, settling, unsendable } from "#shared/platforms/Platforms.ts"
import type { Bridge } from "../BridgeConfig.ts"

/** As it was read, every value as text. */
export interface RawRow {
  readonly rowId: string
  readonly patientId: string | null
  /** An instant, or a local time together with `zone`. */
  readonly due: string | null
  readonly zone: string | null
  readonly text: string | null
  readonly platform: string | null
  readonly priority: string | null
  readonly metadata: string | null
  readonly off: boolean
  readonly addresses: Readonly<Record<string, string | null>>
}

export interface Wanted {
  readonly _tag: "Wanted"
  /** The fields of a schedule command but for its id. */
  readonly command: Omit<Message, "id" | "expiresAt" | "sender"> & { readonly sender?: string }
  readonly dueAt: Instant
  /** Digest of what a reschedule cannot change. */
  readonly identity: string
  /** Digest of the rest. */
  readonly wish: string
}

export type Sight =
  | Wanted
  /** The application does not want it sent. */
  | { readonly _tag: "Off" }
  | { readonly _tag: "NoContact"; readonly problem: string }
  | { readonly _tag: "Invalid"; readonly problem: string }
  /** There is no such row. */
  | { readonly _tag: "Gone" }

export const gone: Sight = { _tag: "Gone" }

/** Whether a text that is too long is sent in parts, the scheduler knows. */
const rulesAt = (now: number): Rules => ({ now, maxLateness: () => 0, unsendable, settled: settling("split") })

/** `key` makes the digests tell nothing to whoever has only them. */
export const sightOf = (bridge: Bridge, key: string, row: RawRow, now: number): Sight => {
  if (row.off) return { _tag: "Off" }
  const platform = row.platform ?? bridge.defaults.platform ?? "telegram"
  if (!isPlatform(platform)) return invalid([{ path: "platform", problem: `must be ${platforms.join(" or ")}` }])
  const { addresses } = platformRules[platform]
  const address = addresses.find((kind) => row.addresses[kind]?.trim())
  if (!address) return { _tag: "NoContact", problem: `the patient has no ${addresses.join(" or ")}` }
  const priority =
    row.priority === null ? bridge.defaults.priority : (bridge.priorities?.[row.priority] ?? row.priority)
  const metadata = row.metadata === null ? undefined : readMetadata(row.metadata)
  const { sender, kind, maxLatenessSeconds, unknownOutcome, retry } = bridge.defaults
  const asked = {
    ...given({ sender, kind, maxLatenessSeconds, unknownOutcome, retry, priority, metadata }),
    id: "row",
    platform,
    recipient: { [address]: row.addresses[address]?.trim() },
    content: { type: "text", text: row.text ?? "" },
    dueAt: row.due ?? "",
    // An instant needs none: it is in UTC here, and the zone is the patient's.
    ...given({ timeZone: row.due?.endsWith("Z") ? undefined : (row.zone ?? undefined) })
  }
  if (row.due === null) return invalid([{ path: "dueAt", problem: "is required" }])
  const read = Result.flatMap(decodeCommand("schedule", asked), (command) =>
    Result.map(toMessage(command, rulesAt(now)), (message) => ({ command, message }))
  )
  if (Result.isFailure(read)) return invalid(read.failure.problems)
  const { command, message } = read.success
  const { id: _, timeZone: __, ...rest } = command
  const digest = (value: unknown) => createHmac("sha256", key).update(JSON.stringify(value)).digest("base64url")
  const { dueAt } = message
  return {
    _tag: "Wanted",
    command: { ...rest, dueAt } as Wanted["command"],
    dueAt,
    identity: digest([platform, command.recipient, sender, kind, unknownOutcome, retry]),
    wish: digest([dueAt, command.content, message.priority, message.metadata, maxLatenessSeconds])
  }
}

const isPlatform = (value: string): value is Platform => (platforms as ReadonlyArray<string>).includes(value)

const given = (fields: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

/** Numbers and booleans as people write them; what is no object is left for the contract to refuse. */
const readMetadata = (text: string): unknown => {
  const parsed = Result.getOrElse(
    Result.try(() => JSON.parse(text) as unknown),
    () => text
  )
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return parsed
  return Object.fromEntries(
    Object.entries(parsed)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [key, typeof value === "number" || typeof value === "boolean" ? String(value) : value])
  )
}

const invalid = (problems: ReadonlyArray<Problem>): Sight => ({ _tag: "Invalid", problem: inOneLine(problems) })

/** As the application reads it in its row. */
export const inOneLine = (problems: ReadonlyArray<Problem>) =>
  problems.map(({ path, problem }) => `${path} ${problem}`.trim()).join("; ")
