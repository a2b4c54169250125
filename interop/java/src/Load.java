// Loads a cluster through the Java client and prints one LOAD line of JSON.
// Usage: Load produce NAMESRV TOPIC THREADS SIZE SECONDS [RATE]      RATE messages a second in all, 0 for as fast as it goes
//        Load transact NAMESRV TOPIC THREADS SIZE SECONDS [RATE]     the same by transactions, each committed at once
//        Load consume NAMESRV TOPIC COUNT SECONDS                    a push consumer on a backlog
//        Load delivery NAMESRV TOPIC RATE SECONDS                    from send to listener, by the same clock
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

public final class Load {
    /** Latencies in µs, kept as counts of buckets of 10 µs up to a second. */
    private static final class Latencies {
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
    }

    public static void main(String[] args) throws Exception {
        try {
            switch (args[0]) {
                case "produce": produce(args, producer(args[1])); break;
                case "transact": produce(args, transacting(args[1])); break;
                case "consume": consume(args); break;
                case "delivery": delivery(args); break;
                default: throw new IllegalArgumentException(args[0]);
            }
        } catch (Throwable e) {
            // The client's threads would keep the process alive, and who waits for it waiting.
            e.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
        Runtime.getRuntime().halt(0);
    }

    private static DefaultMQProducer producer(String namesrv) throws Exception {
        return started(new DefaultMQProducer("G_load"), namesrv);
    }

    private static DefaultMQProducer transacting(String namesrv) throws Exception {
        TransactionMQProducer producer = new TransactionMQProducer("G_load_transacting");
        producer.setTransactionListener(new TransactionListener() {
            @Override public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
                return LocalTransactionState.COMMIT_MESSAGE;
            }

            @Override public LocalTransactionState checkLocalTransaction(MessageExt message) {
                return LocalTransactionState.COMMIT_MESSAGE;
            }
        });
        return started(producer, namesrv);
    }

    private static DefaultMQProducer started(DefaultMQProducer producer, String namesrv) throws Exception {
        producer.setNamesrvAddr(namesrv);
        producer.setInstanceName("load" + System.nanoTime());
        producer.setSendMsgTimeout(10_000);
        producer.start();
        return producer;
    }

    private static byte[] body(int size) {
        byte[] body = new byte[size];
        Arrays.fill(body, (byte) 'x');
        return body;
    }

    private static SendResult send(DefaultMQProducer producer, Message message) throws Exception {
        return producer instanceof TransactionMQProducer
            ? producer.sendMessageInTransaction(message, null) : producer.send(message);
    }

    private static void produce(String[] args, DefaultMQProducer producer) throws Exception {
        String topic = args[2];
        int threads = Integer.parseInt(args[3]);
        int size = Integer.parseInt(args[4]);
        double seconds = Double.parseDouble(args[5]);
        double rate = args.length > 6 ? Double.parseDouble(args[6]) : 0;
        producer.send(new Message(topic, body(size)));
        LongAdder sent = new LongAdder();
        LongAdder failed = new LongAdder();
        Latencies latencies = new Latencies();
        double warmSeconds = Math.min(3, seconds / 2);
        long startNanos = System.nanoTime();
        long measureNanos = startNanos + (long) (warmSeconds * 1e9);
        long endNanos = measureNanos + (long) (seconds * 1e9);
        AtomicLong ticket = new AtomicLong();
        CountDownLatch done = new CountDownLatch(threads);
        for (int thread = 0; thread < threads; thread++) {
            new Thread(() -> {
                byte[] body = body(size);
                while (true) {
                    long dueNanos = System.nanoTime();
                    if (rate > 0) {
                        // The latency counts from when the message was due, so a stall isn't hidden by waiting for it.
                        dueNanos = startNanos + (long) (ticket.getAndIncrement() / rate * 1e9);
                        long waitNanos;
                        while ((waitNanos = dueNanos - System.nanoTime()) > 0) LockSupport.parkNanos(waitNanos);
                    }
                    if (dueNanos >= endNanos) break;
                    try {
                        SendResult result = send(producer, new Message(topic, body));
                        if (dueNanos >= measureNanos) {
                            if (result.getSendStatus() == SendStatus.SEND_OK) sent.increment(); else failed.increment();
                            latencies.add(System.nanoTime() - dueNanos);
                        }
                    } catch (Exception error) {
                        failed.increment();
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
        double clientCpuUs = (cpuNanos() - cpuNanos) / 1e3 / Math.max(1, sent.sum());
        System.out.println("LOAD {\"clientCpuUs\":" + clientCpuUs + ",\"sent\":" + sent.sum() + ",\"failed\":" + failed.sum() + ",\"seconds\":" + seconds
            + ",\"tps\":" + Math.round(sent.sum() / seconds) + quantiles(latencies) + "}");
        System.out.flush();
    }

    /** CPU time of this process, all its threads. */
    private static long cpuNanos() {
        return ((com.sun.management.OperatingSystemMXBean) java.lang.management.ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    private static String quantiles(Latencies latencies) {
        return ",\"p50Ms\":" + latencies.ms(0.5) + ",\"p95Ms\":" + latencies.ms(0.95) + ",\"p99Ms\":" + latencies.ms(0.99) + ",\"p999Ms\":" + latencies.ms(0.999);
    }

    private static DefaultMQPushConsumer consumer(String namesrv) {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer("G_load_" + System.nanoTime());
        consumer.setNamesrvAddr(namesrv);
        consumer.setInstanceName("load" + System.nanoTime());
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        return consumer;
    }

    private static void consume(String[] args) throws Exception {
        String topic = args[2];
        long count = Long.parseLong(args[3]);
        long timeoutNanos = (long) (Double.parseDouble(args[4]) * 1e9);
        DefaultMQPushConsumer consumer = consumer(args[1]);
        consumer.setConsumeMessageBatchMaxSize(32);
        consumer.subscribe(topic, "*");
        LongAdder seen = new LongAdder();
        AtomicLong firstNanos = new AtomicLong();
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            if (firstNanos.compareAndSet(0, System.nanoTime())) {
                System.out.println("MEASURING");
                System.out.flush();
            }
            seen.add(messages.size());
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        long startNanos = System.nanoTime();
        while (seen.sum() < count && System.nanoTime() - startNanos < timeoutNanos) Thread.sleep(5);
        double seconds = (System.nanoTime() - firstNanos.get()) / 1e9;
        System.out.println("LOAD {\"consumed\":" + seen.sum() + ",\"seconds\":" + seconds + ",\"tps\":" + Math.round(seen.sum() / seconds) + "}");
        System.out.flush();
    }

    private static void delivery(String[] args) throws Exception {
        String topic = args[2];
        double rate = Double.parseDouble(args[3]);
        double seconds = Double.parseDouble(args[4]);
        DefaultMQProducer producer = producer(args[1]);
        producer.send(new Message(topic, body(8)));
        DefaultMQPushConsumer consumer = consumer(args[1]);
        consumer.subscribe(topic, "*");
        Latencies latencies = new Latencies();
        LongAdder seen = new LongAdder();
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            long now = System.nanoTime();
            for (MessageExt message : messages) {
                String sentNanos = message.getUserProperty("sentNanos");
                if (sentNanos == null) continue;
                latencies.add(now - Long.parseLong(sentNanos));
                seen.increment();
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        Thread.sleep(2000);
        long startNanos = System.nanoTime();
        long count = (long) (rate * (seconds + 3));
        for (long n = 0; n < count; n++) {
            long waitNanos;
            long dueNanos = startNanos + (long) (n / rate * 1e9);
            while ((waitNanos = dueNanos - System.nanoTime()) > 0) LockSupport.parkNanos(waitNanos);
            if (n == (long) (rate * 3)) {
                latencies.clear();
                System.out.println("MEASURING");
                System.out.flush();
            }
            Message message = new Message(topic, body(128));
            message.putUserProperty("sentNanos", String.valueOf(System.nanoTime()));
            producer.send(message);
        }
        Thread.sleep(300);
        System.out.println("LOAD {\"sent\":" + count + ",\"seen\":" + seen.sum() + quantiles(latencies) + "}");
        System.out.flush();
    }
}
