// Loads a cluster through the Java client and prints one LOAD line of JSON.
// Usage: Load produce NAMESRV TOPIC THREADS SIZE SECONDS [RATE]      RATE messages a second in all, 0 for as fast as it goes
//        Load KIND NAMESRV TOPIC THREADS SIZE SECONDS [RATE]         the same by another kind of sends:
//             transact    transactions, each committed at once       batch       32 messages a send
//             compress    bodies of which about half is left         trace       with enableMsgTrace
//             dispatch    into two light queues too                  priority    of four priorities
//        Load fill NAMESRV TOPIC COUNT                               a backlog, of which "part < 3" is three tenths
//        Load consume NAMESRV TOPIC COUNT SECONDS                    a push consumer on a backlog; fails past SECONDS
//        Load consume-orderly NAMESRV TOPIC COUNT SECONDS            the same in order
//        Load consume-filtered NAMESRV TOPIC COUNT SECONDS SQL92     the same by a filter
//        Load consume-retried NAMESRV TOPIC COUNT SECONDS            the same, each message sent back once
//        Load delivery NAMESRV TOPIC RATE SECONDS                    from send to listener, by the same clock
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;

public final class Load {
    /** How long sends at a rate may go on behind their time, where the broker is slower. */
    private static final long LATE_NANOS_MAX = 15_000_000_000L;
    private static final int FILLING_THREADS = 4;

    public static void main(String[] args) throws Exception {
        try {
            switch (args[0]) {
                case "fill": fill(args); break;
                case "consume": LoadConsumers.concurrently(args); break;
                case "consume-orderly": LoadConsumers.orderly(args); break;
                case "consume-filtered": LoadConsumers.filtered(args); break;
                case "consume-retried": LoadConsumers.retried(args); break;
                case "delivery": LoadConsumers.delivery(args); break;
                default: produce(args, LoadSenders.of(args[0], args[1])); break;
            }
        } catch (Throwable e) {
            // The client's threads would keep the process alive, and who waits for it waiting.
            e.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
        Runtime.getRuntime().halt(0);
    }

    private static void produce(String[] args, LoadSenders senders) throws Exception {
        String topic = args[2];
        int threads = Integer.parseInt(args[3]);
        int size = Integer.parseInt(args[4]);
        double seconds = Double.parseDouble(args[5]);
        double rate = args.length > 6 ? Double.parseDouble(args[6]) : 0;
        byte[] body = LoadSenders.bodyOf(args[0], size);
        senders.sendFirst(topic, body);
        LongAdder sent = new LongAdder();
        LongAdder failed = new LongAdder();
        AtomicReference<String> failure = new AtomicReference<>();
        Latencies latencies = new Latencies();
        double warmSeconds = Math.min(3, seconds / 2);
        long startNanos = System.nanoTime();
        long measureNanos = startNanos + (long) (warmSeconds * 1e9);
        long endNanos = measureNanos + (long) (seconds * 1e9);
        AtomicLong ticket = new AtomicLong();
        CountDownLatch done = new CountDownLatch(threads);
        for (int thread = 0; thread < threads; thread++) {
            new Thread(() -> {
                while (true) {
                    long dueNanos = System.nanoTime();
                    if (rate > 0) {
                        // The latency counts from when the message was due, so a stall isn't hidden by waiting for it.
                        dueNanos = startNanos + (long) (ticket.getAndIncrement() / rate * 1e9);
                        long waitNanos;
                        while ((waitNanos = dueNanos - System.nanoTime()) > 0) LockSupport.parkNanos(waitNanos);
                    }
                    if (dueNanos >= endNanos || System.nanoTime() > endNanos + LATE_NANOS_MAX) break;
                    try {
                        SendResult result = senders.send(topic, body);
                        if (dueNanos >= measureNanos) {
                            if (result.getSendStatus() == SendStatus.SEND_OK) sent.add(senders.messages); else failed.increment();
                            latencies.add(System.nanoTime() - dueNanos);
                        }
                    } catch (Exception error) {
                        failed.increment();
                        failure.compareAndSet(null, String.valueOf(error));
                    }
                }
                done.countDown();
            }).start();
        }
        LockSupport.parkNanos(measureNanos - System.nanoTime());
        System.out.println("MEASURING");
        System.out.flush();
        long cpuNanos = cpuNanos();
        done.await();
        if (sent.sum() == 0) throw new IllegalStateException("nothing was sent: " + failure.get());
        double clientCpuUs = (cpuNanos() - cpuNanos) / 1e3 / sent.sum();
        System.out.println("LOAD {\"clientCpuUs\":" + clientCpuUs + ",\"sent\":" + sent.sum() + ",\"failed\":" + failed.sum() + ",\"seconds\":" + seconds
            + ",\"tps\":" + Math.round(sent.sum() / seconds) + latencies.json() + "}");
        System.out.flush();
    }

    /** CPU time of this process, all its threads. */
    private static long cpuNanos() {
        return ((com.sun.management.OperatingSystemMXBean) java.lang.management.ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    private static void fill(String[] args) throws Exception {
        String topic = args[2];
        long count = Long.parseLong(args[3]);
        DefaultMQProducer producer = LoadSenders.plain(args[1]);
        // Makes the topic, before several threads ask for it.
        LoadSenders.patiently(() -> producer.send(new Message(topic, LoadSenders.body(8))));
        AtomicLong next = new AtomicLong();
        AtomicReference<Exception> failure = new AtomicReference<>();
        CountDownLatch done = new CountDownLatch(FILLING_THREADS);
        long startNanos = System.nanoTime();
        System.out.println("MEASURING");
        System.out.flush();
        for (int thread = 0; thread < FILLING_THREADS; thread++) {
            new Thread(() -> {
                try {
                    long first;
                    while (failure.get() == null && (first = next.getAndAdd(LoadSenders.BATCH)) < count) {
                        List<Message> batch = LoadSenders.parts(topic, first, count);
                        LoadSenders.patiently(() -> producer.send(batch));
                    }
                } catch (Exception error) {
                    failure.set(error);
                }
                done.countDown();
            }).start();
        }
        done.await();
        if (failure.get() != null) throw failure.get();
        double seconds = (System.nanoTime() - startNanos) / 1e9;
        System.out.println("LOAD {\"sent\":" + count + ",\"seconds\":" + seconds + ",\"tps\":" + Math.round(count / seconds) + "}");
        System.out.flush();
    }
}
