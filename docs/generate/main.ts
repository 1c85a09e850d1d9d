// Writes docs/reference from the schemas; with --check it only says what has drifted, and fails if anything has.
import { reference } from "./Reference.ts"
import { drifted, write } from "./ReferenceFolder.ts"

const names = drifted(reference())

if (!process.argv.includes("--check")) {
  write(reference())
  for (const name of names) console.log(`docs/reference/${name}`)
} else if (names.length > 0) {
  for (const name of names) console.error(`docs/reference/${name} is not what the schemas say: run npm run docs`)
  process.exitCode = 1
}
