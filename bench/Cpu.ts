// What each part spends of the machine's CPU on a message, from lap to lap.
import { type Part, type PerPart, parts, type World } from "./World.ts"

/** Answers with the microseconds a message that each part spent since the last call. */
export const laps = ({ cpu }: World, count: number) => {
  let before = cpu()
  return (): PerPart => {
    const [now, earlier] = [cpu(), before]
    before = now
    return Object.fromEntries(parts.map((part) => [part, (now[part] - earlier[part]) / count])) as unknown as PerPart
  }
}

/** nats-server and Postgres are not ours. */
export const isServer = (part: Part) => part === "nats-server" || part === "Postgres"

/** Of our own processes together. */
export const ofServices = (spent: PerPart) =>
  parts.filter((part) => !isServer(part)).reduce((sum, part) => sum + spent[part], 0)
