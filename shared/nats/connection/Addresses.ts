// Reads NATS_URL: where NATS is, with what is secret in it kept apart from what may be shown.
import { BadCredentials } from "./Trust.ts"

export const unreadable = () =>
  new BadCredentials({
    problem:
      "NATS_URL is not a list of addresses like nats://host:4222, the user in the first; in a password, / ? # , and % are written as %2F %3F %23 %2C and %25"
  })

const schemed = /^[a-z]+:\/\//i

/**
 * A secret is taken for hosts and ports from a character on that means something in a list of addresses. So nothing is
 * guessed: what has a path, or a user in a later one only, may be the rest of a secret. `shown` has none.
 */
export const addressesIn = (list: string) => {
  const urls = list
    .split(",")
    .map((one) => one.trim())
    .map((one) => URL.parse(schemed.test(one) ? one : `nats://${one}`))
  if (!urls.every(isAddress) || urls.some(({ username }, index) => username && urls[index - 1]?.username === ""))
    throw unreadable()
  return { urls, shown: urls.map(({ host, protocol }) => `${protocol}//${host}`) }
}

const isAddress = (url: URL | null): url is URL =>
  url !== null && url.hostname !== "" && /^\/?$/.test(url.pathname) && url.search === "" && url.hash === ""
