// The consuming halves of Load: push consumers on a backlog, each of its own kind, and from send to listener.
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.impl.factory.MQClientInstance;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.MixAll;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

final class LoadConsumers {
    private static final int RETRY_TOPIC_ATTEMPTS = 200;

    /** What a consumer listens with, and what it counts as done. */
    private interface Listening {
        void on(DefaultMQPushConsumer consumer, String topic, Seen seen) throws Exception;
    }

    /** Messages that are done. Measuring begins with the first that comes, done or not. */
    private static final class Seen {
        private final LongAdder done = new LongAdder();
        private final AtomicLong firstNanos = new AtomicLong();

        void begun() {
            if (firstNanos.get() != 0 || !firstNanos.compareAndSet(0, System.nanoTime())) return;
            System.out.println("MEASURING");
            System.out.flush();
        }

        void done(int count) {
            begun();
            done.add(count);
        }
    }

    private static DefaultMQPushConsumer consumer(String namesrv) {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer("G_load_" + System.nanoTime());
        consumer.setNamesrvAddr(namesrv);
        consumer.setInstanceName("load" + System.nanoTime());
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setMqClientApiTimeout(LoadSenders.PATIENCE_MS);
        return consumer;
    }

    static void concurrently(String[] args) throws Exception {
        consume(args, (consumer, topic, seen) -> {
            consumer.subscribe(topic, "*");
            consumer.registerMessageListener(counting(seen));
        });
    }

    static void orderly(String[] args) throws Exception {
        consume(args, (consumer, topic, seen) -> {
            consumer.subscribe(topic, "*");
            consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
                seen.done(messages.size());
                return ConsumeOrderlyStatus.SUCCESS;
            });
        });
    }

    static void filtered(String[] args) throws Exception {
        consume(args, (consumer, topic, seen) -> {
            consumer.subscribe(topic, MessageSelector.bySql(args[5]));
            consumer.registerMessageListener(counting(seen));
        });
    }

    /** Every message fails once and comes again a second later; it is done when it has come again. */
    static void retried(String[] args) throws Exception {
        consume(args, (consumer, topic, seen) -> {
            consumer.subscribe(topic, "*");
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                seen.begun();
                int again = 0;
                for (MessageExt message : messages) if (message.getReconsumeTimes() > 0) again++;
                if (again == messages.size()) {
                    seen.done(again);
                    return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
                }
                context.setDelayLevelWhenNextConsume(1);
                return ConsumeConcurrentlyStatus.RECONSUME_LATER;
            });
        });
    }

    private static MessageListenerConcurrently counting(Seen seen) {
        return (messages, context) -> {
            seen.done(messages.size());
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        };
    }

    /** The group's retry topic is made when the consumer says hello, which looks for it again 20 s later only. */
    private static void findRetries(DefaultMQPushConsumer consumer) throws Exception {
        MQClientInstance client = consumer.getDefaultMQPushConsumerImpl().getmQClientFactory();
        String topic = MixAll.getRetryTopic(consumer.getConsumerGroup());
        for (int attempt = 0; attempt < RETRY_TOPIC_ATTEMPTS; attempt++) {
            client.updateTopicRouteInfoFromNameServer(topic);
            if (client.getTopicRouteTable().containsKey(topic)) break;
            Thread.sleep(50);
        }
        client.rebalanceImmediately();
    }

    private static void consume(String[] args, Listening listening) throws Exception {
        long count = Long.parseLong(args[3]);
        long timeoutNanos = (long) (Double.parseDouble(args[4]) * 1e9);
        DefaultMQPushConsumer consumer = consumer(args[1]);
        consumer.setConsumeMessageBatchMaxSize(32);
        Seen seen = new Seen();
        listening.on(consumer, args[2], seen);
        consumer.start();
        if (args[0].equals("consume-retried")) findRetries(consumer);
        long startNanos = System.nanoTime();
        while (seen.done.sum() < count) {
            if (System.nanoTime() - startNanos > timeoutNanos) {
                throw new IllegalStateException("consumed " + seen.done.sum() + " of " + count + " messages within " + args[4] + " s");
            }
            Thread.sleep(5);
        }
        double seconds = (System.nanoTime() - seen.firstNanos.get()) / 1e9;
        long done = seen.done.sum();
        System.out.println("LOAD {\"consumed\":" + done + ",\"seconds\":" + seconds + ",\"tps\":" + Math.round(done / seconds) + "}");
        System.out.flush();
    }

    static void delivery(String[] args) throws Exception {
        String topic = args[2];
        double rate = Double.parseDouble(args[3]);
        double seconds = Double.parseDouble(args[4]);
        DefaultMQProducer producer = LoadSenders.plain(args[1]);
        LoadSenders.patiently(() -> producer.send(new Message(topic, LoadSenders.body(8))));
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
            Message message = new Message(topic, LoadSenders.body(128));
            message.putUserProperty("sentNanos", String.valueOf(System.nanoTime()));
            producer.send(message);
        }
        Thread.sleep(300);
        System.out.println("LOAD {\"sent\":" + count + ",\"seen\":" + seen.sum() + latencies.json() + "}");
        System.out.flush();
    }
}
