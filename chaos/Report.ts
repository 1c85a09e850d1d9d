// What a run has to say: how much happened, and every promise that was broken. Pure.
import type { Finding } from "./Promises.ts"
import type { Ran } from "./Run.ts"

const counted = (all: ReadonlyArray<string>) =>
  Object.fromEntries([...Map.groupBy(all, (one) => one)].map(([one, same]) => [one, same.length]))

export const reportOf = ({ evidence, plan }: Ran, found: ReadonlyArray<Finding>) => {
  const figures = {
    seed: plan.seed,
    messages: plan.messages.length,
    seconds: plan.size.seconds,
    strikes: counted(plan.strikes.map(({ how, victim }) => `${how} ${victim}`)),
    calls: evidence.requests.length,
    arrived: evidence.arrived.length,
    endings: counted(evidence.rows.map(({ status }) => status)),
    possibleDuplicates: evidence.rows.filter(({ possible_duplicate }) => possible_duplicate).length,
    findings: found
  }
  const list = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .map(([what, count]) => `${count} ${what}`)
      .join(", ")
  const text = [
    `seed ${plan.seed}: ${figures.messages} messages within ${figures.seconds} s`,
    `  struck: ${list(figures.strikes)}`,
    `  platform: ${figures.calls} calls, ${figures.arrived} arrived`,
    `  ended: ${list(figures.endings)}; ${figures.possibleDuplicates} possible duplicates`,
    ...(found.length === 0
      ? ["  every promise was kept"]
      : found.map(({ promise, what }) => `  BROKEN ${promise}: ${what}`)),
    ...(found.length === 0
      ? []
      : [
          `  again: npm run chaos -- --seed ${plan.seed} --messages ${figures.messages} --seconds ${figures.seconds} --keep`
        ])
  ].join("\n")
  return { figures, text }
}
