// What a service shows of itself at /metrics.
import { Effect } from "effect"
import type { ServiceProcess } from "../../deploy/local/ServiceProcess.ts"
import { eventually } from "./Carillon.ts"

type Shown = Pick<ServiceProcess, "url" | "pid">

/** Of one that has a process of its own: those that share one would show the figures of all. */
export const metricsOf = ({ url, pid }: Shown) =>
  pid() === undefined
    ? Effect.die(new Error("its figures are not its own: the test must name it in `processes`"))
    : Effect.promise(() => fetch(`${url}/metrics`).then((response) => response.text()))

/** The first of a figure, whatever its labels or with these among them; not a number while it is not shown. */
export const figureOf = (service: Shown, name: string, labels = "") =>
  Effect.map(metricsOf(service), (text) => {
    const labelled = labels === "" ? "(?:\\{[^}]*\\})?" : `\\{[^}]*${labels}[^}]*\\}`
    return Number(new RegExp(`^${name}${labelled} (\\S+)`, "m").exec(text)?.[1] ?? Number.NaN)
  })

export const shows = (service: Shown, name: string, wanted: number, labels = "") =>
  eventually(`${name} of ${labels} is ${wanted}`, figureOf(service, name, labels), (now) => now === wanted)

/** An order to pause is carried out by the scheduler; the gateway hears of it a moment later. */
export const holds = (gateway: Shown) => shows(gateway, "carillon_sender_paused", 1)
