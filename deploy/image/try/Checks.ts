// What an image has to show by itself: what is in it, its entry, that it writes nothing, its heap.
import { existsSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"
import manifest from "../../../package.json" with { type: "json" }
import { shipped } from "../Sbom.ts"
import { contained, type Image } from "./Container.ts"
import { memoryGroup } from "./MemoryGroup.ts"
import { demand, say } from "./Say.ts"

export const contents = Effect.fnUntraced(function* ({ config, root }: Image) {
  yield* demand(/^\d+:\d+$/.test(config.User) && !config.User.startsWith("0:"), `its user is ${config.User}`)
  const modules = join(root, "app/node_modules")
  const left = Object.keys(manifest.devDependencies).filter((name) => existsSync(join(modules, name)))
  // What a dependency of ours needs as well may be there.
  const ships = new Set([...shipped()].map((one) => one.slice(0, one.lastIndexOf("@"))))
  const needless = left.filter((name) => !ships.has(name))
  yield* demand(needless.length === 0, `it holds what only development needs: ${needless.join(", ")}`)
  yield* say(`user ${config.User}; of the development dependencies it holds ${left.join(", ") || "none"}`)
  yield* say(
    Object.entries(config.Labels)
      .map(([key, value]) => `${key}=${value}`)
      .join("\n")
  )
})

const ends = (image: Image, args: ReadonlyArray<string>, code: number, says: RegExp) =>
  Effect.gen(function* () {
    const one = yield* contained(image, args)
    const exit = yield* one.exit
    yield* demand(exit === code && says.test(one.output()), `${args.join(" ")}: exit ${exit}: ${one.output()}`)
    yield* say(`ok: ${args.join(" ") || "no argument"} ends with ${code}`)
  }).pipe(Effect.scoped)

export const entry = Effect.fnUntraced(function* (image: Image) {
  yield* ends(image, [], 2, /scheduler/)
  yield* ends(image, ["nobody"], 2, /There is no service nobody[\s\S]*dispatcher ledger scheduler/)
  yield* ends(image, ["--help"], 0, /Services:/)
  yield* ends(image, ["carillon", "--help"], 0, /SUBCOMMANDS/)
  const script = `for place in / /app /tmp /app/compile-cache; do touch $place/x 2>/dev/null && exit 1; done; id -u`
  const one = yield* contained(image, ["-c", script], { entrypoint: ["/bin/sh"] })
  const exit = yield* one.exit
  yield* demand(exit === 0 && one.output().trim() === image.config.User.split(":")[0], `it can write: ${one.output()}`)
  yield* say("ok: no folder can be written to, and none is needed")
})

/** The heap ends before the kernel does it, so that there is an error to read. */
export const heap = Effect.fnUntraced(function* (image: Image) {
  const grow = `await import("/app/deploy/image/Warm.ts"); const kept = []; for (;;) kept.push({ a: [kept.length] })`
  for (const mebibytes of [192, 256, 512]) {
    const group = yield* memoryGroup(mebibytes)
    if (group === undefined) return yield* say("NOT TRIED: the heap limit: no control group can be made here")
    const args = ["--input-type=module", "-e", grow]
    const one = yield* contained(image, args, { group, entrypoint: ["/usr/local/bin/node"] })
    yield* one.exit
    yield* demand(/heap out of memory/.test(one.output()), `${mebibytes} MiB: killed without a word: ${one.output()}`)
    yield* say(`ok: with ${mebibytes} MiB a heap that grows ends with an error of its own`)
  }
})
