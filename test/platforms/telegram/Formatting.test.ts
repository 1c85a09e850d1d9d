// Markdown and HTML as text and entities: what each sign means, and that nothing is ever an error.
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { Format } from "#shared/contract/Content.ts"
import type { Entity, Formatted } from "#shared/platforms/telegram/Formatted.ts"
import { formatted } from "#shared/platforms/telegram/Formatting.ts"
import { assertWellFormed } from "./Entities.ts"
import { anyText } from "./Texts.ts"

/** The entities around what they cover: `bold(take two)`. */
const shown = ({ text, entities }: Formatted) => [
  text,
  ...entities.map(
    ({ type, offset, length, url, language }: Entity) =>
      `${type}${language ? `:${language}` : ""}(${text.slice(offset, offset + length)})${url ? ` ${url}` : ""}`
  )
]
type Row = readonly [source: string, text: string, ...entities: ReadonlyArray<string>]
const rows = (format: Format, table: ReadonlyArray<Row>) => {
  for (const [source, ...expected] of table)
    it(`${JSON.stringify(source)}`, () => assert.deepStrictEqual(shown(formatted(source, format)), expected))
}

describe("Markdown", () => {
  rows("markdown", [
    [
      "**bold** __bold__ *italic* _italic_",
      "bold bold italic italic",
      "bold(bold)",
      "bold(bold)",
      "italic(italic)",
      "italic(italic)"
    ],
    ["~~gone~~ and `code`", "gone and code", "strikethrough(gone)", "code(code)"],
    ["**bold _both_**", "bold both", "bold(bold both)", "italic(both)"],
    ["**Dr. `x` y**", "Dr. x y", "bold(Dr.)", "code(x)", "bold(y)"],
    ["```js\nlet a\n```", "let a", "pre:js(let a)"],
    ["```\n  let a\n```", "  let a", "pre(  let a)"],
    ["[map](https://clinic.example/a?b=1)", "map", "text_link(map) https://clinic.example/a?b=1"],
    ["[map][1]\n\n[1]: https://clinic.example", "map", "text_link(map) https://clinic.example/"],
    ["![plan](https://clinic.example/plan.png)", "plan", "text_link(plan) https://clinic.example/plan.png"],
    ["<https://clinic.example> https://clinic.example", "https://clinic.example https://clinic.example"],
    ["[chat](tg://resolve?domain=clinic)", "chat", "text_link(chat) tg://resolve?domain=clinic"],
    ["[x](javascript:alert(1)) [y](/local) [z](http://localhost/)", "x y z"],
    ["[write](mailto:a@clinic.example?subject=b) [call](tel:+49301234)", "write (a@clinic.example) call (+49301234)"],
    ["[a@clinic.example](mailto:a@clinic.example)", "a@clinic.example"],
    ["> quoted\n> twice\n\nnot", "quoted\ntwice\n\nnot", "blockquote(quoted\ntwice)"],
    ["> a\n> > b", "a\n\nb", "blockquote(a\n\nb)"],
    ["# Tomorrow\nat ten", "Tomorrow\n\nat ten", "bold(Tomorrow)"],
    ["- one\n- two\n  - three\n\nend", "• one\n• two\n  • three\n\nend"],
    ["3. three\n7. seven", "3. three\n7. seven"],
    ["- [ ] bring\n- [x] done", "☐ bring\n☑ done"],
    ["one  \ntwo\nthree\n\n\n\nfour", "one\ntwo\nthree\n\nfour"],
    ["| a | b |\n|---|---|\n| 1 | 2 |", "| a | b |\n|---|---|\n| 1 | 2 |", "pre(| a | b |\n|---|---|\n| 1 | 2 |)"],
    ["above\n\n---\n\nbelow", "above\n\n———\n\nbelow"],
    ["<b>no</b> <script>x</script> a&amp;b", "<b>no</b> <script>x</script> a&amp;b"],
    ["\\*not\\* \\_this\\_", "*not* _this_"],
    ["**open _and ` and [", "**open _and ` and ["]
  ])
})

describe("Markdown never eats what a person means", () => {
  rows("markdown", [
    ["2*500 mg or 3*250 mg", "2*500 mg or 3*250 mg"],
    ["*2*500 mg or 3*250*", "*2*500 mg or 3*250*"],
    ["5**2 and 7**2", "5**2 and 7**2"],
    ["2 * 500 mg * 3", "2 * 500 mg * 3"],
    ["1~2 tablets, 3~4 times, ~about~", "1~2 tablets, 3~4 times, ~about~"],
    ["1~~2 and 3~~4", "1~~2 and 3~~4"],
    ["patient_file_name", "patient_file_name"],
    ["[Dr Example]: tomorrow", "[Dr Example]: tomorrow"],
    ["5 < 6 > 4 & 7", "5 < 6 > 4 & 7"],
    ["take <half a tablet", "take <half a tablet"],
    ["**注意**請服藥", "注意請服藥", "bold(注意)"]
  ])
})

describe("HTML", () => {
  rows("html", [
    ["<b>a</b> <strong>b</strong> <i>c</i> <em>d</em>", "a b c d", "bold(a)", "bold(b)", "italic(c)", "italic(d)"],
    [
      "<u>a</u> <ins>b</ins> <s>c</s> <strike>d</strike> <del>e</del>",
      "a b c d e",
      "underline(a)",
      "underline(b)",
      "strikethrough(c)",
      "strikethrough(d)",
      "strikethrough(e)"
    ],
    [
      '<span class="tg-spoiler">a</span> <tg-spoiler>b</tg-spoiler> <span>c</span>',
      "a b c",
      "spoiler(a)",
      "spoiler(b)"
    ],
    ["<code>a</code> <pre> b\n c</pre>", "a  b\n c", "code(a)", "pre( b\n c)"],
    ['<pre><code class="language-python">x = 1</code></pre>', "x = 1", "pre:python(x = 1)"],
    [
      "<blockquote>a</blockquote><blockquote expandable>b</blockquote>",
      "ab",
      "blockquote(a)",
      "expandable_blockquote(b)"
    ],
    ['<a href="https://clinic.example/?a=1&amp;b=2">map</a>', "map", "text_link(map) https://clinic.example/?a=1&b=2"],
    ['<a href="javascript:alert(1)">a</a> <a>b</a> <a href="tel:+4930">c</a>', "a b c (+4930)"],
    ["<b>a <i>b</b> c</i>", "a b c", "bold(a b)", "italic(b)"],
    ["5 &lt; 6 &amp; 7 &gt; 2 &#128138; &eacute; &nosuch;", "5 < 6 & 7 > 2 💊 é &nosuch;"],
    ["<script>alert(1)</script>a<style>b {}</style>c<!-- d -->", "ac"],
    ["<marquee>a</marquee><font color=red>b</font>", "ab"],
    ["one<br>two<p>three</p><p>four</p><ul><li>five</li></ul>", "one\ntwo\nthree\nfour\n• five"],
    ["<B>a</B>", "a", "bold(a)"],
    ["<b>never closed", "never closed", "bold(never closed)"],
    ["take <half a tablet", "take <half a tablet"],
    ["5 < 6", "5 < 6"],
    ["</b></p>a", "a"]
  ])
})

describe("plain text", () => {
  rows("plain", [["  **as** <b>it</b> is &amp; was \n", "**as** <b>it</b> is &amp; was"]])
})

describe("whatever text it is", () => {
  for (const format of ["plain", "markdown", "html"] as const) {
    it(`${format} gives text with entities that Telegram takes, every time the same`, () => {
      fc.assert(
        fc.property(anyText(300), (source) => {
          const result = formatted(source, format)
          assertWellFormed(result)
          assert.isTrue(result.text.isWellFormed() || !source.isWellFormed())
          assert.deepStrictEqual(formatted(source, format), result)
        }),
        { numRuns: 1_000 }
      )
    })
  }

  it("letters and digits outside of tags and addresses are all still there", () => {
    const words = fc.array(
      fc.constantFrom("a1 ", "b2", "*", "**", "_", "~", "~~", "`", "\n", "\n\n", "> ", "- ", "# ", "(", ")", "|", " "),
      {
        maxLength: 60
      }
    )
    fc.assert(
      fc.property(words, (all) => {
        const source = all.join("")
        const letters = (text: string) => text.replace(/[^ab12]/g, "")
        // After ``` or ~~~ stands the name of a language.
        if (/```|~~~/.test(source)) return
        assert.strictEqual(letters(formatted(source, "markdown").text), letters(source))
      }),
      { numRuns: 1_000 }
    )
  })

  it("nesting deeper than anybody writes is text", () => {
    for (const source of [">".repeat(30_000), "1. ".repeat(10_000), "<b>".repeat(10_000)])
      for (const format of ["markdown", "html"] as const) assertWellFormed(formatted(source, format))
  })
})
