// What the services find wrong with a command, at a fixed time.
import { Result } from "effect"
import type { CommandName, RescheduleCommand, ScheduleCommand } from "#shared/contract/Commands.ts"
import type { Message } from "#shared/contract/Events.ts"
import type { Problem } from "#shared/contract/fields/Fields.ts"
import { toMillis } from "#shared/contract/fields/Instants.ts"
import { changed, decodeCommand, type Refusal, type Rules, toMessage } from "#shared/contract/Submission.ts"
import {
  type ChangeSeriesCommand,
  isSeriesCommand,
  type ScheduleSeriesCommand
} from "#shared/contract/series/SeriesCommands.ts"
import { changedSeries, decodeSeriesCommand, newSeries } from "#shared/contract/series/SeriesSubmission.ts"
import { settling, unsendable } from "#shared/platforms/Platforms.ts"
import { daily } from "./Corpus.ts"

export const rules: Rules = {
  now: toMillis("2026-11-24T08:00:00.000Z"),
  maxLateness: () => 3_600_000,
  settled: settling("refuse"),
  unsendable
}

export const waiting: Message = {
  id: "waiting",
  platform: "telegram",
  sender: "default",
  recipient: { chatId: "1" },
  content: { type: "text", text: "as it was" },
  dueAt: "2026-12-01T09:00:00.000Z",
  expiresAt: "2026-12-01T10:00:00.000Z",
  priority: "bulk",
  unknownOutcome: "hold",
  metadata: { a: "1" }
}

const medicine = Result.getOrThrow(newSeries({ ...daily, id: "medicine" }, rules))

const change = (command: ChangeSeriesCommand) =>
  medicine.template ? changedSeries(medicine, medicine.template, command, rules) : Result.succeed(medicine)

/** Decoded and checked; the accepted message where there is one. */
export const submitted = (name: CommandName, json: unknown): Result.Result<Message | undefined, Refusal> =>
  Result.flatMap(decode(name, json), (command): Result.Result<Message | undefined, Refusal> => {
    switch (name) {
      case "schedule-series":
        return Result.map(newSeries(command as ScheduleSeriesCommand, rules), () => undefined)
      case "change-series":
        return Result.map(change(command as ChangeSeriesCommand), () => undefined)
      case "schedule":
        return toMessage(command as ScheduleCommand, rules)
      case "reschedule":
        return changed(waiting, command as RescheduleCommand, rules)
      default:
        return Result.succeed(undefined)
    }
  })

const decode = (name: CommandName, json: unknown): Result.Result<unknown, Refusal> =>
  isSeriesCommand(name) ? decodeSeriesCommand(name, json, rules.now) : decodeCommand(name, json)

export const submit = (name: CommandName, json: unknown): ReadonlyArray<Problem> => {
  const result = submitted(name, json)
  return Result.isFailure(result) ? result.failure.problems : []
}
