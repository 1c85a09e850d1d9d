// The rules of the bridge against a model of everything around it: an application that changes its row at any moment, an
// outbox that may repeat itself, a scheduler, a clock. Whatever the order, a row is sent at most once, and as it stands.
import { assert, describe, it } from "@effect/vitest"
import { Equal } from "effect"
import fc from "fast-check"
import type { Event, EventOf, Message } from "#shared/contract/Events.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { idIsOfAnother, overtaken, timerHasFired } from "#shared/contract/Replies.ts"
import { messageIdOf, type Tracked } from "../../services/table-bridge/database/Tracked.ts"
import { apply, inDoubt, tooLate } from "../../services/table-bridge/outcomes/Outcome.ts"
import { type Command, decide } from "../../services/table-bridge/rows/Decide.ts"
import { gone, type RawRow, type Sight, sightOf } from "../../services/table-bridge/rows/Sight.ts"
import { bridgeOf } from "./World.ts"

const start = Date.UTC(2026, 10, 1, 9)
const untracked: Tracked = {
  rowId: "7",
  patientId: null,
  revision: 0,
  messageId: null,
  state: "idle",
  accepted: false,
  identity: null,
  wish: null,
  gone: false,
  renewed: false,
  changedAt: null,
  lookAt: null,
  status: null,
  attempts: 0,
  lastAttemptAt: null,
  sentAt: null,
  problem: null
}

interface Row {
  readonly life: number
  readonly chat: string
  readonly text: string
  readonly due: number
  readonly off: boolean
  readonly writtenAt: number
}

interface Standing {
  message: Message
  state: "pending" | "fired" | "sent" | "failed" | "expired" | "cancelled" | "unknown"
  /** Its first try arrived, and nobody knows. */
  inDoubt?: true
  /** An operator had it sent again: whatever the row has meanwhile. */
  redriven?: true
  /** Its dead letter is gone. */
  discarded?: true
  /** An operator said that it had not arrived. */
  resolved?: true
}

/** Which row a text was meant for can be seen in it. */
const says = (life: number, text: string) => `${life} ${text}`

/** The bridge takes it, the scheduler does not. */
const refusedText = "long"

const saidIn = ({ life, text, chat, due }: Row) => ({
  text: says(life, text),
  chat,
  dueAt: fromMillis(start + due * 1_000)
})
const saidBy = ({ message: { content, recipient, dueAt } }: Standing) => ({
  text: "text" in content ? content.text : "",
  chat: recipient.chatId,
  dueAt
})

const doubtOf = ({ inDoubt }: Standing) => (inDoubt ? { possiblyArrived: true } : {})

/** Everything around the rules. Times are seconds. */
class World {
  now = 0
  lives = 0
  row: Row | undefined
  changes: Array<{ gone: boolean; at: number }> = []
  tracked = untracked
  outbox: Array<Command> = []
  commands: Array<Command> = []
  messages = new Map<string, Standing>()
  log: Array<Event> = []
  read = 0
  sends: Array<{ life: number; redriven: boolean }> = []
  readonly bridge: ReturnType<typeof bridgeOf>

  constructor(contact: "scheduled" | "due") {
    this.bridge = bridgeOf({ contact, horizonSeconds: 20, graceSeconds: 0 })
  }

  at = () => fromMillis(start + this.now * 1_000)

  write(change: Partial<Row>) {
    if (!this.row) return
    this.row = { ...this.row, ...change, writtenAt: this.now }
    this.changes.push({ gone: false, at: this.now })
  }

  insert(due: number) {
    if (this.row) return
    this.row = { life: ++this.lives, chat: "1", text: "a", due: this.now + due, off: false, writtenAt: this.now }
    this.changes.push({ gone: false, at: this.now })
  }

  remove() {
    if (!this.row) return
    this.row = undefined
    this.changes.push({ gone: true, at: this.now })
  }

  look(reasons: ReadonlyArray<{ gone: boolean; at: number }>) {
    if (reasons.length === 0) return
    const sight = this.row ? sightOf(this.bridge, "key", this.raw(this.row), start + this.now * 1_000) : gone
    const at = fromMillis(start + Math.min(...reasons.map((reason) => reason.at)) * 1_000)
    const replaced = this.tracked.gone || this.tracked.renewed || reasons.some((reason) => reason.gone)
    const { tracked, command, withdrawal } = decide(
      this.tracked,
      { sight, at, replaced, now: start + this.now * 1_000 },
      this.bridge
    )
    this.tracked = tracked
    for (const one of [withdrawal, command]) if (one) this.outbox.push(one)
  }

  lookAtChanges() {
    const { changes } = this
    this.changes = []
    this.look(changes)
  }

  lookAtDue() {
    const { lookAt, changedAt } = this.tracked
    if (lookAt === null || lookAt > this.at()) return
    this.look([{ gone: false, at: (Date.parse(changedAt ?? this.at()) - start) / 1_000 }])
  }

  readonly raw = ({ life, chat, text, due, off }: Row): RawRow => ({
    rowId: "7",
    patientId: null,
    due: fromMillis(start + due * 1_000),
    zone: null,
    text: text.trim() === "" ? text : says(life, text),
    platform: null,
    priority: null,
    metadata: null,
    off,
    addresses: { chatId: chat }
  })

  /** Publishes the first that waits; killed before it was taken away, it is published again later. */
  relay(killed: boolean) {
    const [command] = this.outbox
    if (!command) return
    this.commands.push(command)
    if (!killed) this.outbox.shift()
  }

  carryOut(command = this.commands.shift()) {
    if (!command) return
    const { messageId: id, name } = command
    const standing = this.messages.get(id)
    const about = { id, platform: "telegram", at: this.at() } as const
    const refuse = (path = "id", problem = timerHasFired) =>
      this.log.push({
        ...{ type: "rejected", at: this.at(), command: name, id, cause: `c${this.log.length}` },
        problems: [{ path, problem }]
      })
    if (String((command.payload.content as { text?: string } | undefined)?.text).endsWith(refusedText)) {
      return refuse("content.text", "is too long")
    }
    if (name === "schedule") {
      const message = { ...command.payload, metadata: {} } as unknown as Message
      if (!standing) {
        this.messages.set(id, { message, state: "pending" })
        this.log.push({ type: "scheduled", at: this.at(), message, cause: id })
      }
    } else if (name === "cancel" && standing?.state === "failed") {
      if (!standing.discarded) this.log.push({ type: "discarded", ...about, cause: `c${this.log.length}` })
      standing.discarded = true
    } else if (!standing || !["pending", "cancelled"].includes(standing.state)) refuse()
    else if (standing.state === "cancelled") {
      if (name === "reschedule") refuse()
    } else if (name === "cancel") {
      standing.state = "cancelled"
      this.log.push({ type: "cancelled", ...about, dueAt: standing.message.dueAt, ...doubtOf(standing) })
    } else {
      standing.message = { ...standing.message, ...(command.payload as unknown as Message) }
      const { message } = standing
      this.log.push({ type: "rescheduled", at: this.at(), message, previousDueAt: message.dueAt, cause: id })
    }
  }

  /** An operator cancels the newest message there is. */
  operatorCancels() {
    const messageId = [...this.messages.keys()].at(-1)
    if (messageId !== undefined) this.carryOut({ name: "cancel", messageId, payload: {} })
  }

  /** What is told of messages that were given up: by operators, or by a gateway that is back. */
  tell(what: "resolved" | "redriven" | "sent") {
    for (const [id, standing] of this.messages) {
      const about = { id, platform: "telegram", at: this.at(), attempt: 1 } as const
      const cause = `c${this.log.length}`
      if (standing.state === "failed" && !standing.discarded && what === "redriven") {
        Object.assign(standing, { state: "fired", redriven: true })
        this.log.push({ type: "redriven", at: this.at(), message: standing.message, cause } as unknown as Event)
      }
      const mayBeSent = standing.inDoubt && standing.state !== "pending"
      if (what === "redriven" || !(standing.state === "unknown" || (what === "sent" && mayBeSent))) continue
      Object.assign(standing, what === "sent" ? { state: "sent" } : { state: "failed", resolved: true })
      this.log.push(
        what === "sent" ? this.sentEvent(id, standing) : { type: "resolved", ...about, as: "failed", cause }
      )
    }
  }

  /** Timers fire at their time: from then on it is too late for changes. */
  pass(seconds: number) {
    this.now += seconds
    for (const standing of this.messages.values()) {
      if (standing.state === "pending" && standing.message.dueAt <= this.at()) standing.state = "fired"
    }
  }

  /** What is unanswered arrives, and is not tried a second time: its timer is armed again, and then it is given up. */
  deliver(ends: End) {
    for (const [id, standing] of this.messages) {
      const { message } = standing
      if (standing.state !== "fired") continue
      const about = { id, platform: "telegram", at: this.at(), attempt: 1 } as const
      if (ends === "failed" || standing.inDoubt) {
        standing.state = "failed"
        this.log.push({ type: "failed", ...about, category: "recipient", reason: "blocked", ...doubtOf(standing) })
        continue
      }
      if (ends === "expired") {
        standing.state = "expired"
        this.log.push({ type: "expired", ...about, expiresAt: message.expiresAt })
        continue
      }
      standing.state = ends === "unanswered" ? "pending" : ends
      this.sends.push({ life: Number(saidBy(standing).text.split(" ")[0]), redriven: standing.redriven ?? false })
      if (ends === "unanswered") standing.inDoubt = true
      else this.log.push(ends === "sent" ? this.sentEvent(id, standing) : { type: "unknown", ...about, reason: "lost" })
    }
  }

  sentEvent = (id: string, { message: { dueAt } }: Standing): Event => ({
    ...{ type: "sent", id, platform: "telegram", at: this.at(), attempt: 1, sender: "default", dueAt },
    ...{ sentAt: this.at(), providerMessageId: "1", possibleDuplicate: false }
  })

  follow() {
    const event = this.log[this.read]
    if (!event) return
    this.read++
    const { tracked, lookAgain } = apply(this.tracked, event)
    this.tracked = tracked
    if (lookAgain) this.changes.push({ gone: false, at: (Date.parse(tracked.changedAt ?? "") - start) / 1_000 })
  }

  settle() {
    for (let turn = 0; turn < 60; turn++) {
      this.lookAtChanges()
      this.lookAtDue()
      while (this.outbox.length > 0) this.relay(false)
      while (this.commands.length > 0) this.carryOut()
      this.pass(0)
      this.deliver("sent")
      while (this.read < this.log.length) this.follow()
    }
  }
}

const ends = ["sent", "failed", "expired", "unanswered", "unknown"] as const
type End = (typeof ends)[number]

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("insert" as const), due: fc.integer({ min: -5, max: 60 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("remove" as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("replace" as const), due: fc.integer({ min: -5, max: 60 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("chat" as const), chat: fc.constantFrom("1", "2", "") }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("text" as const), text: fc.constantFrom("a", "b", refusedText, " ") })
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("due" as const), due: fc.integer({ min: -5, max: 60 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("off" as const), off: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("look" as const) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("relay" as const), killed: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("carryOut" as const) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("follow" as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("pass" as const),
      seconds: fc.integer({ min: 1, max: 30 })
    })
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("deliver" as const),
      ends: fc.constantFrom(...ends)
    })
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("operatorCancels" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("tell" as const),
      what: fc.constantFrom("resolved" as const, "redriven" as const, "sent" as const)
    })
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("settle" as const) }) }
)
type Step = typeof step extends fc.Arbitrary<infer A> ? A : never

const take = (world: World, one: Step) => {
  switch (one.do) {
    case "insert":
      return world.insert(one.due)
    case "remove":
      return world.remove()
    case "replace":
      world.remove()
      return world.insert(one.due)
    case "chat":
      return world.write({ chat: one.chat })
    case "text":
      return world.write({ text: one.text })
    case "due":
      return world.write({ due: world.now + one.due })
    case "off":
      return world.write({ off: one.off })
    case "look":
      world.lookAtChanges()
      return world.lookAtDue()
    case "relay":
      return world.relay(one.killed)
    case "carryOut":
      return world.carryOut()
    case "follow":
      return world.follow()
    case "operatorCancels":
      return world.operatorCancels()
    case "tell":
      return world.tell(one.what)
    case "pass":
      return world.pass(one.seconds)
    case "deliver":
      return world.deliver(one.ends)
    case "settle":
      return world.settle()
  }
}

const lives = fc.record({
  contact: fc.constantFrom("scheduled" as const, "due" as const),
  steps: fc.array(step, { minLength: 10, maxLength: 80, size: "max" })
})
const runs = { numRuns: 4_000 }

const lived = (contact: "scheduled" | "due", steps: ReadonlyArray<Step>) => {
  const world = new World(contact)
  for (const one of steps) take(world, one)
  world.settle()
  return world
}

describe("a row", () => {
  it("is never sent twice, whatever the application and the services do in whatever order", () => {
    fc.assert(
      fc.property(lives, ({ contact, steps }) => {
        const world = lived(contact, steps)
        world.pass(1_000)
        world.settle()
        const perLife = world.sends.flatMap(({ life, redriven }) => (redriven ? [] : [life]))
        assert.strictEqual(new Set(perLife).size, perLife.length)
      }),
      runs
    )
  })

  it("that is due in the future has one message, with what it says now, once all is settled", () => {
    fc.assert(
      fc.property(lives, ({ contact, steps }) => {
        const world = lived(contact, steps)
        const { row } = world
        const waiting = [...world.messages.values()].filter(({ state }) => state === "pending")
        const wanted =
          row && !row.off && row.chat !== "" && !["", refusedText].includes(row.text.trim()) ? row : undefined
        if (!wanted) return assert.lengthOf(waiting, 0)
        assert.isAtMost(waiting.length, 1)
        const [one] = waiting
        if (one) assert.deepStrictEqual(saidBy(one), saidIn(wanted))
        const wasSent = world.sends.some(({ life }) => life === wanted.life)
        // What was not edited since its message ended is not begun again.
        const newest = world.messages.get(world.tracked.messageId ?? "")
        const gaveUp = newest !== undefined && Equal.equals(saidBy(newest), saidIn(wanted))
        const { lookAt, state, status } = world.tracked
        assert.strictEqual(lookAt !== null, state === "idle" && status === "waiting", status ?? "")
        const asIs = status === "waiting" || status === "past"
        if (wanted.due > world.now && !wasSent && !gaveUp && !asIs)
          assert.lengthOf(waiting, 1, world.tracked.status ?? "")
      }),
      runs
    )
  })
})

describe("a message that was given up", () => {
  it("cannot be sent after all once its row does not want it, or has another", () => {
    fc.assert(
      fc.property(lives, ({ contact, steps }) => {
        const world = lived(contact, steps)
        const { row } = world
        const isWanted = row && !row.off && row.chat !== "" && row.text.trim() !== ""
        for (const [id, { discarded, redriven, resolved, state }] of world.messages) {
          const isItsOwn = id === world.tracked.messageId
          // What an operator decides of a message after its row has another is theirs.
          if (state !== "failed" || (isWanted && isItsOwn) || ((resolved || redriven) && !isItsOwn)) continue
          assert.isTrue(discarded, id)
        }
      }),
      runs
    )
  })
})

describe("a row that says when it is due as an instant", () => {
  it("is wanted whatever zone its patient lives in", () => {
    const { bridge, raw } = new World("scheduled")
    const row = raw({ life: 1, chat: "1", text: "a", due: 60, off: false, writtenAt: 0 })
    assert.strictEqual(sightOf(bridge, "key", { ...row, zone: "America/New_York" }, start)._tag, "Wanted")
  })
})

describe("the id of a message", () => {
  it("is that of one row and revision only", () => {
    const rows = fc.stringMatching(/^[0-9a-z_-]{1,6}$/)
    const revisions = fc.integer({ min: 1, max: 12 })
    fc.assert(
      fc.property(rows, revisions, rows, revisions, (one, first, other, second) => {
        const [a, b] = [messageIdOf("x", one, first), messageIdOf("x", other, second)]
        if (a !== undefined && a === b) assert.deepStrictEqual([one, first], [other, second])
      })
    )
    assert.isUndefined(messageIdOf("x", "7__2", 1))
  })
})

describe("a row whose gateway was replaced in the middle of its send", () => {
  const about = { id: "m", platform: "telegram", at: fromMillis(start), attempt: 1 } as const
  const sent: Event = {
    ...{ type: "sent", ...about, sender: "default", dueAt: about.at, sentAt: about.at, providerMessageId: "1" },
    possibleDuplicate: false
  }
  const meanwhile: ReadonlyArray<Event> = [
    { type: "unknown", ...about, reason: "interrupted" },
    { type: "failed", ...about, category: "unknown", reason: "interrupted" },
    { type: "expired", ...about, expiresAt: about.at }
  ]
  const rowAfter = (...events: ReadonlyArray<Event>) =>
    events.reduce((tracked, event) => apply(tracked, event).tracked, {
      ...untracked,
      messageId: "m",
      state: "live",
      accepted: true
    } as Tracked)
  for (const made of meanwhile)
    it(`is sent once that gateway says so, before or after it is ${made.type}`, () => {
      for (const { problem, sentAt, state, status } of [rowAfter(made, sent), rowAfter(sent, made)])
        assert.deepStrictEqual(
          { problem, sentAt, state, status },
          { problem: null, sentAt: about.at, state: "over", status: "sent" }
        )
    })
})

describe("a row of whose message an earlier try may have arrived", () => {
  const about = { id: "m", platform: "telegram", at: fromMillis(start), possiblyArrived: true } as const
  const ends: ReadonlyArray<readonly [EventOf<"failed" | "expired" | "cancelled">, string]> = [
    [{ type: "failed", ...about, attempt: 2, category: "transient", reason: "why" }, `transient: why; ${inDoubt}`],
    [{ type: "expired", ...about, attempt: 2, expiresAt: about.at }, inDoubt],
    [{ type: "cancelled", ...about, dueAt: about.at }, inDoubt]
  ]
  for (const [end, problem] of ends)
    it(`gets no second message by itself once it is ${end.type}, and says why`, () => {
      for (const state of ["live", "leaving"] as const) {
        const { lookAgain, tracked } = apply({ ...untracked, messageId: "m", state, accepted: true }, end)
        // Given up, it might be sent after all though its row does not want it any more.
        assert.strictEqual(lookAgain, end.type === "failed" && state === "leaving")
        assert.deepInclude(tracked, { state: "over", status: end.type, problem })
      }
    })
})

describe("a row whose message an operator has sent again", () => {
  const about = { id: "m", platform: "telegram", at: fromMillis(start), attempt: 2 } as const
  const again = { ...{ type: "redriven", at: about.at, message: { id: "m" } }, attempt: 2 } as unknown as Event
  const ends: ReadonlyArray<EventOf<"failed" | "expired" | "cancelled">> = [
    { type: "failed", ...about, category: "recipient", reason: "blocked" },
    { type: "failed", ...about, category: "recipient", reason: "blocked", possiblyArrived: true },
    { type: "expired", ...about, expiresAt: about.at },
    { type: "cancelled", ...about, dueAt: about.at }
  ]
  it("waits for the new one that it asks for by now; sent late, without an operator, the old one was its message", () => {
    const waiting: Tracked = { ...untracked, messageId: "m", status: "waiting", lookAt: about.at }
    const sent = {
      ...{ type: "sent", ...about, sender: "default", dueAt: about.at, sentAt: about.at },
      ...{ providerMessageId: "1", possibleDuplicate: false }
    } as Event
    const hear = (...events: ReadonlyArray<Event>) =>
      events.reduce((tracked, event) => apply(tracked, event).tracked, waiting)
    assert.deepInclude(hear(again, sent), { state: "idle", status: "waiting", lookAt: about.at })
    assert.deepInclude(hear(sent), { state: "over", status: "sent", lookAt: null })
  })

  for (const end of ends)
    it(`says how that ended, and gets no other, once nobody knew of the first try: ${end.type}`, () => {
      const over: Tracked = { ...untracked, messageId: "m", state: "over", accepted: true, status: "unknown" }
      const { lookAgain, tracked } = apply(apply(over, again).tracked, end)
      assert.deepStrictEqual([lookAgain, tracked.state, tracked.status], [end.type === "failed", "over", end.type])
    })
})

describe("a change that the scheduler refuses", () => {
  const about = { id: "m", platform: "telegram", at: fromMillis(start) } as const
  const live: Tracked = { ...untracked, messageId: "m", revision: 1, state: "live", accepted: true, wish: "new" }
  const refused = (path: string, problem: string): Event => ({
    ...{ type: "rejected", id: "m", at: about.at, command: "reschedule", cause: "c" },
    problems: [{ path, problem }]
  })
  const hear = (...events: ReadonlyArray<Event>) =>
    events.reduce(({ tracked }, event) => apply(tracked, event), { tracked: live, lookAgain: false })

  it("as too late is told in the row, or made up for when the message on its way fails", () => {
    const late = refused("id", timerHasFired)
    const sent: Event = {
      ...{ type: "sent", ...about, attempt: 1, sender: "default", dueAt: about.at, sentAt: about.at },
      ...{ providerMessageId: "1", possibleDuplicate: false }
    }
    assert.deepInclude(hear(late, sent).tracked, { status: "sent", problem: tooLate })
    const failed: Event = { type: "failed", ...about, attempt: 1, category: "recipient", reason: "blocked" }
    assert.isTrue(hear(late, failed).lookAgain)
  })

  it("as too late is not the last word: its message may be waiting for another try when the row changes again", () => {
    const { tracked } = hear(refused("id", timerHasFired))
    const lookAt = (sight: object) =>
      decide(tracked, { sight: sight as Sight, at: about.at, replaced: false, now: start }, bridgeOf())
    assert.strictEqual(lookAt(gone).command?.name, "cancel")
    const edited = lookAt({ _tag: "Wanted", identity: tracked.identity, wish: "newer", dueAt: about.at, command: {} })
    assert.strictEqual(edited.command?.name, "reschedule")
    const taken = { type: "rescheduled", at: about.at, message: { id: "m" } } as unknown as Event
    assert.strictEqual(apply(edited.tracked, taken).tracked.state, "live")
    const again = refused("id", timerHasFired)
    assert.strictEqual(apply(edited.tracked, again).tracked.state, "leaving")
  })

  it("as too late is asked for again when its message waits for another try: that would be sent as it was", () => {
    for (const type of ["retry-scheduled", "fell-back"] as const) {
      const waits = { type, ...about, attempt: 2, category: "transient", reason: "503" } as unknown as Event
      assert.isFalse(hear(waits).lookAgain)
      const { lookAgain, tracked } = hear(refused("id", timerHasFired), waits)
      assert.isTrue(lookAgain)
      const lookAt = (sight: object) =>
        decide(tracked, { sight: sight as Sight, at: about.at, replaced: false, now: start }, bridgeOf()).command
      const { identity } = tracked
      assert.strictEqual(lookAt({ _tag: "Off" })?.name, "cancel")
      const edited = { _tag: "Wanted", identity, wish: "new", dueAt: about.at, command: {} }
      assert.strictEqual(lookAt(edited)?.name, "reschedule")
    }
  })

  it("for what it asks has the message cancelled: a text that was taken back is not sent", () => {
    const { lookAgain, tracked } = hear(refused("content.text", "is too long"))
    assert.isTrue(lookAgain)
    assert.strictEqual(tracked.problem, "content.text is too long")
    const sight = { _tag: "Wanted", identity: "i", wish: "new", dueAt: about.at, command: {} } as unknown as Sight
    const seen = { sight, at: about.at, replaced: false, now: start }
    assert.strictEqual(decide(tracked, seen, bridgeOf()).command?.name, "cancel")
  })

  it("because the id is of a message from before a restore has that one cancelled, and the row gets another id", () => {
    const conflict = { ...refused("content", idIsOfAnother), command: "schedule" } as Event
    const { lookAgain, tracked } = apply({ ...live, accepted: false }, conflict)
    assert.isTrue(lookAgain)
    const sight = { _tag: "Wanted", identity: "i", wish: "new", dueAt: about.at, command: {} } as unknown as Sight
    const seen = { sight, at: about.at, replaced: false, now: start }
    const cancelling = decide(tracked, seen, bridgeOf())
    assert.deepInclude(cancelling.command, { name: "cancel", messageId: "m" })
    // Whether it could be cancelled, or was sent before: the row has a message of its own then.
    for (const said of [
      { type: "cancelled", ...about, dueAt: about.at },
      { ...refused("id", timerHasFired), command: "cancel" }
    ] as ReadonlyArray<Event>) {
      const after = apply(cancelling.tracked, said)
      assert.isTrue(after.lookAgain)
      const next = decide(after.tracked, seen, bridgeOf())
      assert.strictEqual(next.command?.name, "schedule")
      assert.strictEqual(next.tracked.revision, 2)
    }
  })

  it("since the message had ended unsent, by itself or by an operator, is made up for", () => {
    const ends: ReadonlyArray<Event> = [
      { type: "failed", ...about, attempt: 1, category: "recipient", reason: "blocked" },
      { type: "expired", ...about, attempt: 1, expiresAt: about.at },
      { type: "cancelled", ...about, dueAt: about.at }
    ]
    for (const end of ends) {
      const late = refused("id", timerHasFired)
      const { lookAgain, tracked } = hear(end, late)
      assert.isTrue(lookAgain)
      const sight = { _tag: "Wanted", identity: "i", wish: "new", dueAt: about.at, command: {} } as unknown as Sight
      const seen = { sight, at: about.at, replaced: false, now: start }
      assert.strictEqual(decide(tracked, seen, bridgeOf()).command?.name, "schedule")
      assert.isFalse(hear(end, late, late).lookAgain)
    }
  })

  it("since the message itself was refused is made up for: what was written meanwhile may be taken", () => {
    const first: Event = { ...refused("content.text", "is too long"), command: "schedule" } as Event
    const events = [first, refused("id", "is unknown")]
    const begun = { ...live, accepted: false }
    const after = events.reduce(({ tracked }, event) => apply(tracked, event), { tracked: begun, lookAgain: false })
    assert.isTrue(after.lookAgain)
    assert.deepInclude(after.tracked, { state: "idle", status: "rejected", wish: null })
  })

  it("because a later one overtook it changes nothing", () => {
    const late = refused("id", overtaken)
    const { lookAgain, tracked } = hear(late)
    assert.deepStrictEqual([lookAgain, tracked.state, tracked.wish], [false, "live", "new"])
    // Nor what an operator decided meanwhile.
    const cancelled = hear({ type: "cancelled", ...about, dueAt: about.at }, late)
    assert.deepStrictEqual([cancelled.lookAgain, cancelled.tracked.status], [false, "cancelled"])
  })
})

describe("a row whose message failed", () => {
  const failed: Tracked = {
    ...{ ...untracked, messageId: "m", revision: 1, identity: "i", wish: "w" },
    ...{ status: "failed", problem: "recipient: blocked" }
  }
  const at = fromMillis(start)
  const seen = (sight: object, replaced = false) =>
    decide(failed, { sight: sight as Sight, at, replaced, now: start }, bridgeOf()).tracked
  const past = { _tag: "Wanted", identity: "other", wish: "w", dueAt: fromMillis(start - 3_600_000), command: {} }
  const unreachable = { _tag: "NoContact", problem: "the patient has no chatId or contact" }

  it("says so still when its patient's address changes afterwards, or goes", () => {
    for (const sight of [past, unreachable])
      assert.deepInclude(seen(sight), { status: "failed", problem: "recipient: blocked" })
  })

  it("says nothing of it when another row has taken its id", () => {
    assert.strictEqual(seen(past, true).status, "past")
    assert.strictEqual(seen(unreachable, true).status, "no-contact")
  })
})
