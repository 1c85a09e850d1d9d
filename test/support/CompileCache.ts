// Where Node keeps what it has compiled, for processes that tests start by themselves: it halves what a start costs.
import { join } from "node:path"
import { home } from "../../deploy/local/Home.ts"

export const compileCache = { NODE_COMPILE_CACHE: join(home, "compile-cache") }

/** For the command line: where no `npm start` runs whose servers it would find. It keeps there what Node has compiled. */
export const nothingRuns = { CARILLON_HOME: join(home, "nothing-runs") }
