// How far a service's heap may grow between two full collections. Left to itself Node lets it become a quarter of a
// gigabyte where the machine has it, garbage for the most part, before it looks for the first time. What is new is bounded apart: deploy/local/NodeOptions.ts.
import { setFlagsFromString } from "node:v8"

/** Half of what was alive. V8 asks for this whenever it sets its next limit: it need not be known when Node starts. */
setFlagsFromString("--heap-growing-percent=50")
