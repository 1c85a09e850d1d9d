// What a step of the trial found, and what it insists on.
import { Effect } from "effect"
import { ImageFailure } from "./Buildah.ts"

export const say = (line: string) => Effect.sync(() => console.log(line))
export const demand = (holds: boolean, problem: string) => (holds ? Effect.void : new ImageFailure({ problem }))
