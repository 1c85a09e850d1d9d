// All that the chart promises about what it renders, a topic a file.
import type { Topic } from "../Rule.ts"
import { availability } from "./Availability.ts"
import { hook } from "./Hooks.ts"
import { labels } from "./Labels.ts"
import { monitoring } from "./Monitoring.ts"
import { network } from "./Network.ts"
import { podSecurity } from "./PodSecurity.ts"
import { ports } from "./Ports.ts"
import { references } from "./References.ts"
import { resources } from "./Resources.ts"
import { secrets } from "./Secrets.ts"
import { selectors } from "./Selectors.ts"
import { settings } from "./Settings.ts"

export const topics: ReadonlyArray<Topic> = [
  podSecurity,
  resources,
  ports,
  selectors,
  availability,
  secrets,
  settings,
  network,
  hook,
  references,
  labels,
  monitoring
]
