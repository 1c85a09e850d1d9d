// What the documents say is so: links and paths lead somewhere, and the commands that they tell people to type exist.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { faults, logql, promql, traceql } from "../support/Queries.ts"
import { commandProblems } from "./Commands.ts"
import { page, pages, readMarkdown } from "./Markdown.ts"
import { brokenLinks, lostPaths } from "./References.ts"

const languages = { logql, promql, traceql }

describe.each(pages.map((path) => [path] as const))("%s", (path) => {
  it("has links and paths that lead somewhere", () => {
    assert.deepStrictEqual(brokenLinks(path, page(path)), [])
    assert.deepStrictEqual(lostPaths(page(path)), [])
  })

  it("calls a shell `sh`, so that what is typed there is looked at", () => {
    const shells = page(path).blocks.filter(({ language }) => /^(bash|shell|console|zsh|shell-session)$/.test(language))
    assert.deepStrictEqual(shells, [])
  })

  it("asks in queries that parse", () => {
    for (const [language, parser] of Object.entries(languages))
      for (const { text } of page(path).blocks.filter((block) => block.language === language))
        assert.deepStrictEqual(faults(parser, text), [], text)
  })

  it.effect("tells commands that exist", () =>
    Effect.map(commandProblems(page(path)), (problems) => assert.deepStrictEqual(problems, []))
  )
})

/** A page that says so, which is read as the others are. */
const saying = (...lines: ReadonlyArray<string>) => readMarkdown(lines.join("\n"))
const typing = (...lines: ReadonlyArray<string>) => saying("```sh", ...lines, "```")

describe("what is wrong is found", () => {
  it.each([
    ["a file that is not there", "[x](nowhere.md)"],
    ["a heading that is not there", "[x](cli.md#no-such-heading)"],
    ["a heading of its own that is not there", "[x](#no-such-heading)"],
    ["a place outside the project", "[x](../../outside.md)"]
  ])("a link to %s", (_, text) => {
    assert.lengthOf(brokenLinks("docs/some.md", saying(text)), 1)
  })

  it("but not a link that is right", () => {
    const right = saying("## Some heading, `twice`", "[a](#some-heading-twice) [b](cli.md#look) [c](../README.md)")
    assert.deepStrictEqual(brokenLinks("docs/some.md", right), [])
  })

  it("a path that names nothing", () => {
    assert.deepStrictEqual(lostPaths(saying("`docs/nowhere.md`, `docs/cli.md`, `test/security/Denied`")), [
      "docs/nowhere.md"
    ])
  })

  it.effect.each<[string, string]>([
    ["a command that carillon does not have", "carillon shedule --to 1"],
    ["a subcommand that it does not have", "carillon dead bury m-1"],
    ["a flag that it does not have", 'carillon schedule --to 1 --text "a" --in 1h --retries 3'],
    ["a value that a flag does not take", "carillon drop telegram --later-than soon"],
    ["an argument that is missing", "carillon show"],
    ["a command behind a pipe", "echo 1 | carillon erase --receiver -"],
    ["a command as another user", "runuser -u postgres -- carillon qeues"],
    ["a command behind a setting", "NATS_URL=nats://x carillon qeues"],
    ["a command that goes on in the next line", "carillon list \\\n  --stauts failed"],
    ["a setting that nobody reads", "NATS_ADRESS=nats://x npm run scheduler"],
    ["a script that package.json does not have", "npm run schedular"],
    ["a file that is not there", "psql -f deploy/postgres/inbox.sql"],
    ["a program that nobody knows", "carrilon queues"],
    ["helm without a mark", "helm install carillon deploy/helm"],
    ["docker without a mark", "docker compose up"],
    ["a command that is run in a pod", "# needs a cluster\nkubectl exec deploy/x -- carillon qeues"]
  ])("in a block, %s", ([, line]) =>
    Effect.map(commandProblems(typing(line)), (problems) => assert.lengthOf(problems, 1))
  )

  it.effect.each(["`carillon qeues`", "`carillon drop PLATFORM --older-than SECONDS`", "`npm run schedular`"])(
    "in running text, %s",
    (text) => Effect.map(commandProblems(saying(text)), (problems) => assert.lengthOf(problems, 1))
  )

  it.effect("but not what is right", () =>
    Effect.map(
      commandProblems(
        typing(
          "export NATS_URL=nats://x TELEGRAM_BOT_TOKEN_FILE=/run/token # a word",
          'echo "Hello" | sudo -u carillon NATS_INBOX_PREFIX=_INBOX.x ./carillon schedule --to 1 --text - --in 1h 2>&1 | tee x',
          'for id in a b; do carillon cancel "$id"; done',
          "cat > x <<EOF",
          "no such command",
          "EOF",
          "carillon list --from -1d"
        )
      ),
      (problems) => assert.deepStrictEqual(problems, [])
    )
  )
})
