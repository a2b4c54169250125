// BrokerConfig, last part: statistics and metrics. Declarations only.
import {
  bool,
  choice,
  ignored,
  int,
  type KeyFlags,
  keysOf,
  type Kind,
  long,
  text,
  used,
} from "../key.ts";
import { APACHE_UNUSED, METRICS, MULTI_DISPATCH } from "./reasons.ts";

const metrics = <T>(kind: Kind<T>, meaning: string, flags: KeyFlags = {}) =>
  ignored(kind, METRICS, meaning, flags);

export const brokerMetricsKeys = keysOf("BrokerConfig", {
  accountStatsEnable: ignored(bool(true), APACHE_UNUSED, "Statistics by account."),
  accountStatsPrintZeroValues: ignored(bool(true), APACHE_UNUSED, "Logs those that are zero."),
  commercialBaseCount: ignored(
    int(1),
    "no commercial statistics are kept",
    "Messages in a billing unit.",
  ),
  commercialSizePerMsg: ignored(
    int(4096, "bytes"),
    "no commercial statistics are kept",
    "Bytes in a billing unit.",
  ),
  enableDetailStat: used(bool(true), "Keeps statistics by topic and by group."),
  autoDeleteUnusedStats: used(
    bool(true),
    "Drops the statistics of deleted topics and groups.",
  ),
  maxStatsIdleTimeInMinutes: used(
    int(-1, "min", { min: -1 }),
    "Idle time after which a statistic is dropped; -1 keeps it.",
  ),
  enableLmqStats: ignored(bool(false), MULTI_DISPATCH, "Keeps statistics of light queues."),
  metricsExporterType: metrics(
    choice("DISABLE", ["DISABLE", "OTLP_GRPC", "PROM", "LOG"]),
    "How metrics are exported.",
  ),
  metricsOtelCardinalityLimit: metrics(int(50_000), "Label combinations of a metric."),
  metricsGrpcExporterTarget: metrics(text(""), "Where the OTLP exporter sends to."),
  metricsGrpcExporterHeader: metrics(text(""), "Headers that it sends, tokens among them.", {
    secret: true,
  }),
  metricGrpcExporterTimeOutInMills: metrics(long(3000, "ms"), "How long one export may take."),
  metricGrpcExporterIntervalInMills: metrics(long(60_000, "ms"), "Between two OTLP exports."),
  metricLoggingExporterIntervalInMills: metrics(long(10_000, "ms"), "Between two in the log."),
  metricsPromExporterPort: metrics(int(5557, "", { max: 65535 }), "Port that Prometheus scrapes."),
  metricsPromExporterHost: metrics(text(""), "Address of that port."),
  metricsLabel: metrics(text(""), "Labels for all metrics: key:value, separated by commas."),
  metricsInDelta: metrics(bool(false), "Exports differences instead of totals."),
  enableRemotingMetrics: metrics(bool(true), "Counts remote calls."),
  enableMessageStoreMetrics: metrics(bool(true), "Measures the store."),
  enablePopMetrics: metrics(bool(true), "Measures POP."),
  enableConnectionMetrics: metrics(bool(true), "Counts connections."),
  enableTransactionMetrics: metrics(bool(true), "Counts transactions."),
  enableStatsMetrics: metrics(bool(true), "Exports statistics."),
  enableRequestMetrics: metrics(bool(true), "Counts requests."),
  enableLagAndDlqMetrics: metrics(bool(true), "Exports lag and dead letters."),
});
