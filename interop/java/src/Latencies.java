// How long what a load measures took.
import java.util.Arrays;
import java.util.concurrent.atomic.LongAdder;

/** Latencies in µs, kept as counts of buckets of 10 µs up to a second. */
final class Latencies {
    private final LongAdder[] buckets = new LongAdder[100_000];

    Latencies() {
        for (int at = 0; at < buckets.length; at++) buckets[at] = new LongAdder();
    }

    void add(long nanos) {
        buckets[(int) Math.min(buckets.length - 1, Math.max(0, nanos / 10_000))].increment();
    }

    void clear() {
        for (LongAdder bucket : buckets) bucket.reset();
    }

    double ms(double quantile) {
        long total = Arrays.stream(buckets).mapToLong(LongAdder::sum).sum();
        long wanted = (long) Math.ceil(total * quantile);
        long seen = 0;
        for (int at = 0; at < buckets.length; at++) {
            seen += buckets[at].sum();
            if (seen >= wanted) return (at + 1) / 100.0;
        }
        return 1000;
    }

    /** The quantiles as further fields of a LOAD line. */
    String json() {
        return ",\"p50Ms\":" + ms(0.5) + ",\"p95Ms\":" + ms(0.95) + ",\"p99Ms\":" + ms(0.99) + ",\"p999Ms\":" + ms(0.999);
    }
}
