// A service's heap stays near what is alive in it: what is garbage is not kept because the machine has room.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { nodeOptions } from "../../deploy/local/NodeOptions.ts"

/** Keeps 10 MB alive, of which each piece is replaced in its turn, as messages are; says the most that the heap had. */
const program = `
import "#shared/service/RunService.ts"
const alive = new Map()
let most = 0
for (let n = 0; n < 4_000_000; n++) {
  alive.set(n, { n, text: "x" + n })
  alive.delete(n - 60_000)
  if (n % 20_000 === 0) most = Math.max(most, process.memoryUsage().heapTotal)
}
console.log(most)
`

const mostMegabytes = async (options: ReadonlyArray<string>) => {
  const child = spawn(process.execPath, [...options, "--input-type=module-typescript", "--eval", program], {
    cwd: join(import.meta.dirname, "../.."),
    env: {}
  })
  let said = ""
  child.stdout.on("data", (chunk) => {
    said += chunk
  })
  await once(child, "close")
  return Number(said) / 1e6
}

describe("a service", () => {
  it("has a heap that garbage does not fill", async () => {
    const most = await mostMegabytes(nodeOptions)
    assert.isAbove(most, 30)
    // By what Node does of itself it has over 230, by one of the two options over 160.
    assert.isBelow(most, 130)
  })
})
