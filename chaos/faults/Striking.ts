// Carries a strike out, and makes good again what it did. One function for each kind of victim.
import { Effect, Schedule } from "effect"
import type { Restartable } from "../../deploy/local/Restartable.ts"
import type { Strike, User } from "../plan/Strikes.ts"
import type { Link } from "../world/Links.ts"
import type { World } from "../world/World.ts"

/** How long a gateway that is not heard of is taken for the active one. */
const leaseMillis = 4_000

type Of<Kind extends Strike["kind"]> = Extract<Strike, { readonly kind: Kind }>

const byMachine = ({ machine, nats, postgres }: World, strike: Of<"disk" | "clock">) => {
  const [first] = nats.servers
  return machine && first
    ? machine.strike(strike, { nats: first, natsAt: nats.asChaos, postgres })
    : Effect.die(new Error("a world without such a machine"))
}

const strikers: { readonly [Kind in Strike["kind"]]: (world: World, strike: Of<Kind>) => Effect.Effect<void, Error> } =
  {
    service: (world, { forMillis, how, victim }) =>
      Effect.gen(function* () {
        const { freeze, kill9, start, stop, thaw } = world.services[victim]
        if (how === "frozen") {
          yield* freeze
          // Long enough for another to have taken over.
          yield* Effect.sleep(leaseMillis + forMillis)
          return yield* thaw
        }
        yield* how === "kill -9" ? kill9 : stop
        yield* Effect.sleep(forMillis)
        yield* start
      }),

    postgres: ({ postgres }, { forMillis }) =>
      Effect.andThen(postgres.kill9, Effect.andThen(Effect.sleep(forMillis), postgres.start)),

    nats: ({ nats }, { forMillis, how, victim }) =>
      Effect.gen(function* () {
        const first = victim.startsWith("leader of ")
          ? yield* nats.leaderOf(victim.slice("leader of ".length))
          : Number(/\d/.exec(victim)?.[0] ?? 1) - 1
        const struck = [first, ...(victim === "two servers" ? [first + 1] : [])].flatMap(
          (index) => nats.servers[index] ?? []
        )
        const ways = { "kill -9": (server: Restartable) => server.kill9, "lame duck": asLameDuck }
        yield* Effect.forEach(struck, ways[how], { concurrency: "unbounded" })
        yield* Effect.sleep(forMillis)
        yield* Effect.forEach(struck, ({ start }) => start, { concurrency: "unbounded" })
      }),

    link: ({ links }, { forMillis, how, victim }) =>
      Effect.gen(function* () {
        const struck = [...links].flatMap(([name, link]) =>
          name === victim || (victim === "all to nats" && name.endsWith(" to nats")) ? [link] : []
        )
        const all = (what: (link: Link) => Effect.Effect<void>) => Effect.forEach(struck, what, { discard: true })
        yield* all((link) => (how === "cut" ? link.cut : how === "slow" ? link.slow(300) : link.stall))
        yield* Effect.sleep(forMillis)
        if (how === "stalled, then cut") yield* all(({ cut }) => cut)
        yield* all(({ heal }) => heal)
      }),

    consumer: ({ nats: { manager } }, { forMillis, how, victim }) => {
      const [stream = "", durable = ""] = victim.split("/")
      const done = {
        deleted: () => manager.consumers.delete(stream, durable),
        paused: () => manager.consumers.pause(stream, durable, new Date(Date.now() + forMillis)),
        reset: () => manager.consumers.reset(stream, durable)
      }[how]
      // It may be gone, or nobody there to ask: then nothing is struck.
      return Effect.andThen(
        Effect.tryPromise({ try: () => done() as Promise<unknown>, catch: (error) => error as Error }),
        Effect.sleep(forMillis)
      )
    },

    permission: ({ nats }, { forMillis, how, victim }) =>
      nats
        .deny(victim satisfies User, [how === "may not publish" ? ">" : "carillon.>"])
        .pipe(Effect.andThen(Effect.sleep(forMillis)), Effect.andThen(nats.deny(victim, []))),
    disk: byMachine,

    clock: byMachine
  }

/** Told to go, it hands over and sends its clients away; it ends when they are gone. */
const asLameDuck = (server: Restartable) =>
  server
    .signal("SIGUSR2")
    .pipe(
      Effect.andThen(
        server.signal(0).pipe(Effect.repeat({ schedule: Schedule.spaced("100 millis"), until: (runs) => !runs }))
      ),
      Effect.timeoutOption("15 seconds"),
      Effect.andThen(server.stop)
    )

const carryOut = (world: World, strike: Strike) =>
  (strikers[strike.kind] as (world: World, strike: Strike) => Effect.Effect<void, Error>)(world, strike)

/**
 * All of a plan: those of one server, one service or one kind one after the other, so that nothing is struck while it is
 * made good. Answers with those that really struck.
 */
export const strikeAll = (world: World, strikes: ReadonlyArray<Strike>, start: number) =>
  Effect.forEach(
    Map.groupBy(strikes, ({ kind, victim }) => (kind === "service" || kind === "disk" ? victim : kind)).values(),
    (ofOne) => Effect.forEach(ofOne, (strike) => strikeAt(world, strike, start)),
    { concurrency: "unbounded" }
  ).pipe(Effect.map((all) => all.flat(2)))

const strikeAt = (world: World, strike: Strike, start: number) =>
  Effect.gen(function* () {
    yield* Effect.sleep(Math.max(0, start + strike.afterMillis - Date.now()))
    const after = ((Date.now() - start) / 1_000).toFixed(1)
    yield* Effect.logInfo(`${after} s: ${strike.victim}: ${strike.how}, for ${strike.forMillis} ms`)
    yield* carryOut(world, strike)
    return [strike]
  }).pipe(
    Effect.catch(({ message }) =>
      Effect.as(Effect.logWarning(`left out: ${strike.victim}: ${strike.how}: ${message}`), [])
    )
  )
