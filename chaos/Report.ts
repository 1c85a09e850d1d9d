// What a run has to say: how much happened, and every promise that was broken. Pure.
import type { Finding } from "./promises/Finding.ts"
import type { Ran } from "./promises/Ran.ts"

const counted = (all: ReadonlyArray<string>): Readonly<Record<string, number>> =>
  Object.fromEntries([...Map.groupBy(all, (one) => one)].map(([one, same]) => [one, same.length]))

const list = (counts: Readonly<Record<string, number>>) =>
  Object.entries(counts)
    .map(([what, count]) => `${count} ${what}`)
    .join(", ") || "nothing"

export const reportOf = ({ evidence, plan, struck }: Ran, found: ReadonlyArray<Finding>) => {
  const { messages, seconds } = plan.size
  const figures = {
    seed: plan.seed,
    world: plan.world,
    messages,
    seconds,
    strikes: counted(struck.map(({ how, victim }) => `${how}: ${victim}`)),
    calls: evidence.left.length,
    arrived: evidence.arrived.length,
    endings: counted(evidence.rows.map(({ status }) => status)),
    possibleDuplicates: evidence.rows.filter(({ possible_duplicate }) => possible_duplicate).length,
    refusals: evidence.events.filter(({ type }) => type === "rejected").length,
    endedByThemselves: Object.fromEntries(Object.entries(evidence.endedByThemselves).filter(([, times]) => times > 0)),
    again: `npm run chaos -- --seed ${plan.seed} --messages ${messages} --seconds ${seconds} --world ${plan.world} --keep`,
    findings: found
  }
  const text = [
    `seed ${plan.seed}, ${plan.world}: ${messages} messages within ${seconds} s`,
    `  struck: ${list(figures.strikes)}`,
    `  platform: ${figures.calls} calls, ${figures.arrived} arrived`,
    `  ended: ${list(figures.endings)}; ${figures.possibleDuplicates} possible duplicates; ${figures.refusals} refusals`,
    `  services that ended by themselves: ${list(figures.endedByThemselves)}`,
    ...(found.length === 0
      ? ["  every promise was kept"]
      : [...found.map(({ promise, what }) => `  BROKEN ${promise}: ${what}`), `  again: ${figures.again}`])
  ].join("\n")
  return { figures, text }
}
export type Figures = ReturnType<typeof reportOf>["figures"]
