// The subjects of the contract with placeholders where AsyncAPI has parameters.
import type { CommandName } from "#shared/contract/Commands.ts"
import type { EventType } from "#shared/contract/Events.ts"
import { Subject } from "#shared/nats/layout/Topology.ts"

export const commandAddress = (name: CommandName): string => Subject.command(name)

export const apiAddress = (name: CommandName): string => Subject.api(name)

export const eventAddress = (type: EventType): string =>
  Subject.events(type, "{platform}").replace(".>", type === "scheduled" ? ".{id}" : ".{sender}.{priority}")
