// Our dashboards, one question each: from how it goes overall down to one message.
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard"
import { platforms } from "#shared/contract/fields/Fields.ts"
import { curve, figure, lines, page, rows, traces, trend } from "./Panels.ts"

const quantile = (q: number, metric: string, by = "") =>
  `histogram_quantile(${q}, sum by (le${by}) (rate(${metric}_bucket[$__rate_interval])))`
const ended = 'type=~"sent|failed|unknown|expired"'

const overview = page({
  uid: "carillon-overview",
  title: "Carillon: delivery",
  description: "Do messages arrive, and on time? Service levels, volume, lateness, and the trend over days.",
  from: "now-6h",
  sources: ["prometheus", "postgres"],
  panels: [
    figure(
      "Sent of those ended, 30 d",
      "percentunit",
      `sum(increase(carillon_events_appended_total{type="sent"}[30d])) / sum(increase(carillon_events_appended_total{${ended}}[30d]))`
    ),
    figure(
      "Sent within 5 s, 30 d",
      "percentunit",
      // Prometheus 3 makes le="5.0" of le="5" when it scrapes.
      'sum(increase(carillon_lateness_seconds_bucket{le=~"5(\\\\.0)?"}[30d])) / sum(increase(carillon_lateness_seconds_count[30d]))'
    ),
    figure(
      "Lateness p99, 1 h",
      "s",
      "histogram_quantile(0.99, sum by (le) (rate(carillon_lateness_seconds_bucket[1h])))"
    ),
    figure("Waiting timers", "short", 'max(carillon_stream_messages{stream="TIMERS"})'),
    figure("In quarantine", "short", 'max(carillon_stream_messages{stream="QUARANTINE"})'),
    figure("Ledger behind", "short", "min(carillon_ledger_lag_events)"),
    curve("Messages by what became of them", "short", [
      {
        expr: `sum by (type) (rate(carillon_events_appended_total{type=~"scheduled|rejected|sent|failed|unknown|expired"}[$__rate_interval]))`,
        legend: "{{type}}"
      }
    ]),
    curve("Lateness, due to sent", "s", [
      { expr: quantile(0.5, "carillon_lateness_seconds"), legend: "p50" },
      { expr: quantile(0.95, "carillon_lateness_seconds"), legend: "p95" },
      { expr: quantile(0.99, "carillon_lateness_seconds"), legend: "p99" }
    ]),
    curve("Failed attempts by category", "short", [
      {
        expr: 'sum by (category) (rate(carillon_events_appended_total{type="attempt-failed"}[$__rate_interval]))',
        legend: "{{category}}"
      }
    ]),
    curve("p95 of each stage", "s", [
      { expr: quantile(0.95, "carillon_stage_duration_seconds", ", stage"), legend: "{{stage}}" }
    ]),
    trend(
      "Sent and not sent a day",
      "short",
      `SELECT bucket AS time, sum(sent) AS sent, sum(failed + expired + unknown) AS "not sent"
       FROM carillon.message_rollups_daily WHERE bucket > now() - interval '90 days' AND bucket <= now() GROUP BY 1 ORDER BY 1`
    ),
    trend(
      "Lateness a day",
      "s",
      `SELECT bucket AS time, ${[50, 95, 99].map((share) => `carillon.lateness_percentile(carillon.sum_counts(lateness), ${share / 100}) AS p${share}`).join(", ")}
       FROM carillon.message_rollups_daily WHERE bucket > now() - interval '90 days' AND bucket <= now() GROUP BY 1 ORDER BY 1`
    ),
    trend(
      "Retries, and what platforms may charge for, a day",
      "short",
      `SELECT bucket AS time, sum(retries) AS retries, sum(cost_units) AS "cost units", sum(possible_duplicates) AS "possible duplicates"
       FROM carillon.message_rollups_daily WHERE bucket > now() - interval '90 days' AND bucket <= now() GROUP BY 1 ORDER BY 1`
    ),
    trend(
      "Not sent, by category, an hour",
      "short",
      `SELECT bucket AS time, CASE category WHEN '' THEN 'none' ELSE category END AS metric, sum(failed + expired + unknown) AS "not sent"
       FROM carillon.message_rollups_hourly WHERE bucket > now() - interval '7 days' AND bucket <= now() GROUP BY 1, 2 ORDER BY 1`
    ),
    rows(
      "By kind, 7 days",
      `SELECT platform, kind, sum(due) AS due, sum(sent) AS sent, sum(failed + expired + unknown) AS "not sent",
         carillon.lateness_percentile(carillon.sum_counts(lateness), 0.95) AS "late p95 (s)", sum(cost_units) AS "cost units"
       FROM carillon.message_rollups_hourly WHERE bucket > now() - interval '7 days' AND bucket <= now() GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 50`
    )
  ]
})

const message = page({
  uid: "carillon-message",
  title: "Carillon: one message",
  description: "What became of this message: its rows, its timeline, its traces, its log lines.",
  from: "now-7d",
  sources: ["postgres", "tempo", "loki"],
  variables: [new dashboard.TextBoxVariableBuilder("id").label("Message id")],
  panels: [
    rows(
      "The message",
      `SELECT id, platform, status, due_at, sent_at, extract(epoch FROM sent_at - due_at) AS "late (s)", attempts, next_attempt_at,
       error_category, error_detail, possibly_arrived, possible_duplicate FROM carillon.scheduled_messages WHERE id = \${id:sqlstring}`,
      24,
      4
    ),
    rows(
      "Attempts",
      `SELECT attempt, started_at, ended_at, outcome, category, reason, provider_message_id, possible_duplicate
       FROM carillon.message_delivery_attempts WHERE message_id = \${id:sqlstring} ORDER BY attempt`,
      24,
      6
    ),
    rows(
      "Timeline",
      `SELECT at, type, attempt, detail FROM carillon.message_events WHERE message_id = \${id:sqlstring} ORDER BY stored_at, sequence`
    ),
    traces("Spans", '{ span.carillon.message.id = "${id}" }'),
    lines("Log lines", '{service_name=~".+"} | json | message_id="${id}"')
  ]
})

const platform = page({
  uid: "carillon-platform",
  title: "Carillon: one platform",
  description: "Is the platform well, and do we press it too hard?",
  from: "now-3h",
  sources: ["prometheus"],
  variables: [new dashboard.CustomVariableBuilder("platform").label("Platform").values(platforms.join(","))],
  panels: [
    curve("Sent and failed attempts", "short", [
      {
        expr: 'sum by (type) (rate(carillon_events_appended_total{platform="$platform",type=~"sent|attempt-failed"}[$__rate_interval]))',
        legend: "{{type}}"
      }
    ]),
    curve("Failed attempts by category", "short", [
      {
        expr: 'sum by (category) (rate(carillon_events_appended_total{platform="$platform",type="attempt-failed"}[$__rate_interval]))',
        legend: "{{category}}"
      }
    ]),
    curve("The platform's answer", "s", [
      {
        expr: 'histogram_quantile(0.5, sum by (le) (rate(carillon_stage_duration_seconds_bucket{stage="platform",platform="$platform"}[$__rate_interval])))',
        legend: "p50"
      },
      {
        expr: 'histogram_quantile(0.99, sum by (le) (rate(carillon_stage_duration_seconds_bucket{stage="platform",platform="$platform"}[$__rate_interval])))',
        legend: "p99"
      }
    ]),
    curve("Waiting for the rate limit", "s", [
      {
        expr: 'histogram_quantile(0.99, sum by (le) (rate(carillon_stage_duration_seconds_bucket{stage="wait",platform="$platform"}[$__rate_interval])))',
        legend: "p99"
      }
    ]),
    curve("Rate limit in use, by sender", "percentunit", [
      {
        expr: 'max by (sender) (carillon_sender_limit_used_ratio{platform="$platform"})',
        legend: "{{sender}}"
      }
    ]),
    curve("Circuits (1 open, 0.5 probed) and pauses", "short", [
      { expr: 'max by (sender) (carillon_sender_circuit_open{platform="$platform"})', legend: "circuit of {{sender}}" },
      { expr: 'max by (sender) (carillon_sender_paused{platform="$platform"})', legend: "{{sender}} paused" },
      {
        expr: 'max by (sender) (carillon_sender_recipients_held{platform="$platform"})',
        legend: "recipients held by {{sender}}"
      }
    ]),
    curve("In the gateway's hands", "short", [
      { expr: 'sum(carillon_gateway_messages_in_hand{platform="$platform"})', legend: "in hand" },
      { expr: 'sum(carillon_gateway_sends_in_flight{platform="$platform"})', legend: "calls in flight" }
    ]),
    curve("Lateness", "s", [
      {
        expr: 'histogram_quantile(0.99, sum by (le) (rate(carillon_lateness_seconds_bucket{platform="$platform"}[$__rate_interval])))',
        legend: "p99"
      }
    ])
  ]
})

const jetstream = page({
  uid: "carillon-jetstream",
  title: "Carillon: JetStream",
  description: "What waits where, who does not keep up, and how full the streams are.",
  from: "now-3h",
  sources: ["prometheus"],
  panels: [
    curve("Waiting", "short", [
      { expr: "max by (consumer) (carillon_consumer_waiting_messages)", legend: "{{consumer}}" }
    ]),
    curve("In hand, unacknowledged", "short", [
      { expr: "max by (consumer) (carillon_consumer_in_hand_messages)", legend: "{{consumer}}" }
    ]),
    curve("The oldest has waited", "s", [
      { expr: "max by (consumer) (carillon_consumer_oldest_seconds)", legend: "{{consumer}}" }
    ]),
    curve("Redelivered", "short", [
      { expr: "max by (consumer) (carillon_consumer_redelivered_messages)", legend: "{{consumer}}" }
    ]),
    curve("Messages stored", "short", [{ expr: "max by (stream) (carillon_stream_messages)", legend: "{{stream}}" }]),
    curve("Bytes stored", "bytes", [{ expr: "max by (stream) (carillon_stream_bytes)", legend: "{{stream}}" }]),
    curve("Since the queues were looked at", "s", [
      { expr: "time() - max(carillon_queues_looked_at_seconds)", legend: "age" }
    ])
  ]
})

const ledger = page({
  uid: "carillon-ledger",
  title: "Carillon: ledger",
  description: "Are the tables up to date, and what do they say of late?",
  from: "now-6h",
  sources: ["prometheus", "postgres"],
  panels: [
    curve("Events behind", "short", [{ expr: "min(carillon_ledger_lag_events)", legend: "behind" }]),
    curve("From the log into the tables", "s", [
      {
        expr: 'histogram_quantile(0.5, sum by (le) (rate(carillon_stage_duration_seconds_bucket{stage="projection"}[$__rate_interval])))',
        legend: "p50"
      },
      {
        expr: 'histogram_quantile(0.99, sum by (le) (rate(carillon_stage_duration_seconds_bucket{stage="projection"}[$__rate_interval])))',
        legend: "p99"
      }
    ]),
    curve("Event-loop delay p99", "s", [
      { expr: "max by (job, instance) (carillon_event_loop_delay_seconds)", legend: "{{instance}}" }
    ]),
    curve("Found by the watchdog", "short", [
      { expr: "max by (rule) (carillon_watchdog_findings) > 0", legend: "{{rule}}" }
    ]),
    rows(
      "Found by the watchdog, the newest",
      `SELECT message_id, at, detail->>'rule' AS rule, detail->>'since' AS since FROM carillon.message_events
       WHERE type = 'overdue' AND stored_at > now() - interval '30 days' ORDER BY stored_at DESC LIMIT 50`,
      12
    ),
    rows(
      "Messages by status, due in the last 30 d",
      `SELECT platform, status, count(*) FROM carillon.scheduled_messages
       WHERE due_at > now() - interval '30 days' AND due_at <= now() GROUP BY 1, 2 ORDER BY 1, 2`,
      12
    ),
    rows(
      "Not sent, the newest",
      `SELECT id, status, due_at, error_category, error_detail, possibly_arrived FROM carillon.scheduled_messages
       WHERE status IN ('failed', 'unknown', 'expired') ORDER BY updated_at DESC LIMIT 50`
    )
  ]
})

/** By the name of the file that each is kept in. */
export const dashboards = { overview, message, platform, jetstream, ledger } as const
