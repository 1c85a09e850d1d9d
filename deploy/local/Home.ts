// Where everything is kept that must outlive a run of `npm start`: data, downloads, and where the servers are.
import { join } from "node:path"
import { environment } from "#shared/service/Settings.ts"

export const home =
  environment("CARILLON_HOME", {
    says: "Where `npm start` keeps its data, and the command line looks for it",
    takes: "a path",
    otherwise: "`.carillon` in the project's folder"
  }) || join(import.meta.dirname, "../../.carillon")
