// npm run audit: are there advisories about what we ship, and is all of it what the registry signed.
import { spawnSync } from "node:child_process"
import { advisories, signatures } from "./Judge.ts"

const npm = (...args: ReadonlyArray<string>) =>
  spawnSync("npm", [...args, "--json", "--fetch-retries=0", "--fetch-timeout=30000"], {
    encoding: "utf8",
    timeout: 300_000,
    stdio: ["ignore", "pipe", "ignore"]
  }).stdout ?? ""

const verdicts = [advisories(npm("audit", "--omit=dev")), signatures(npm("audit", "signatures"))]
for (const line of verdicts.flatMap(({ says }) => says)) console.log(line)
if (verdicts.some(({ failed }) => failed)) process.exitCode = 1
