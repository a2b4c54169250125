// Consumers that filter by SQL92. Each sends messages with properties of its own and checks which of them come.
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

final class SqlScenarios {
    private static final String FILTER =
        "a > 5 AND region IS NOT NULL AND (name IN ('x', 'it''s') OR name STARTSWITH '中' OR price BETWEEN 1.5 AND 2.5)";
    private static final int ROUNDS = 20;

    private static Message message(String topic, String body, String... properties) throws Exception {
        Message message = Env.message(topic, "TagA", "", body);
        for (int at = 0; at < properties.length; at += 2) message.putUserProperty(properties[at], properties[at + 1]);
        return message;
    }

    /** One message of each kind; those that FILTER wants begin with "yes". */
    private static void sendRound(DefaultMQProducer producer, String topic, int round) throws Exception {
        producer.send(message(topic, "no-number" + round, "a", "abc", "region", "r", "name", "x"));
        producer.send(message(topic, "yes-in" + round, "a", "6", "region", "r", "name", "x"));
        producer.send(message(topic, "no-region" + round, "a", "6", "name", "x"));
        producer.send(message(topic, "yes-quote" + round, "a", "7", "region", "r", "name", "it's"));
        producer.send(message(topic, "no-fraction" + round, "a", "6.5", "region", "r", "name", "x"));
        producer.send(message(topic, "yes-start" + round, "a", "+8", "region", "r", "name", "中文"));
        producer.send(message(topic, "yes-price" + round, "a", "9", "region", "r", "price", "2.5"));
        producer.send(message(topic, "no-small" + round, "a", "5", "region", "r", "name", "x"));
    }

    private static Set<String> wanted(int from, int to) {
        Set<String> wanted = new TreeSet<>();
        for (int round = from; round < to; round++) {
            for (String kind : new String[] {"in", "quote", "start", "price"}) wanted.add("yes-" + kind + round);
        }
        return wanted;
    }

    /** Half of the messages lie in the log when the consumer comes, half arrive while it waits. */
    static void consumeSql(Env env) throws Exception {
        String topic = env.topic("sql");
        DefaultMQProducer producer = env.producer("sql");
        DefaultMQPushConsumer consumer = env.push("sql");
        Set<String> seen = ConcurrentHashMap.newKeySet();
        try {
            for (int round = 0; round < ROUNDS / 2; round++) sendRound(producer, topic, round);
            consumer.subscribe(topic, MessageSelector.bySql(FILTER));
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                for (MessageExt message : messages) seen.add(Env.text(message));
                return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
            consumer.start();
            Env.await("the backlog's messages", 90_000, () -> seen.containsAll(wanted(0, ROUNDS / 2)));
            for (int round = ROUNDS / 2; round < ROUNDS; round++) {
                sendRound(producer, topic, round);
                Thread.sleep(20);
            }
            Env.await("the messages that arrive later", 90_000, () -> seen.containsAll(wanted(0, ROUNDS)));
            Thread.sleep(300);
            Env.equal(wanted(0, ROUNDS), new TreeSet<>(seen), "messages that the filter wants");
        } finally {
            consumer.shutdown();
            producer.shutdown();
        }
    }

    /** A filtered message that fails comes again over the retry topic. */
    static void consumeSqlRetry(Env env) throws Exception {
        String topic = env.topic("sqlretry");
        DefaultMQProducer producer = env.producer("sqlretry");
        DefaultMQPushConsumer consumer = env.push("sqlretry");
        AtomicInteger deliveries = new AtomicInteger();
        Set<String> seen = ConcurrentHashMap.newKeySet();
        try {
            producer.send(message(topic, "no", "a", "1"));
            producer.send(message(topic, "yes", "a", "2"));
            consumer.subscribe(topic, MessageSelector.bySql("a = 2 AND NOT (b = 'x')  OR a >= 2 AND b IS NULL"));
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                for (MessageExt message : messages) seen.add(Env.text(message));
                return deliveries.incrementAndGet() < 3 ? ConsumeConcurrentlyStatus.RECONSUME_LATER : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
            consumer.start();
            Env.await("three deliveries", 90_000, () -> deliveries.get() >= 3);
            Env.equal(Set.of("yes"), seen, "messages that the filter wants");
        } finally {
            consumer.shutdown();
            producer.shutdown();
        }
    }

    /** A filter that can't be read stops the consumer's start, and the error says where. */
    static void consumeSqlRefused(Env env) throws Exception {
        String topic = env.topic("sqlbad");
        DefaultMQProducer producer = env.producer("sqlbad");
        DefaultMQPushConsumer consumer = env.push("sqlbad");
        try {
            producer.send(message(topic, "m", "a", "1"));
            consumer.subscribe(topic, MessageSelector.bySql("a >> 5"));
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> ConsumeConcurrentlyStatus.CONSUME_SUCCESS);
            consumer.start();
            throw new AssertionError("the consumer started");
        } catch (MQClientException refused) {
            Env.equal(23, refused.getResponseCode(), "response code");
            Env.check(refused.getErrorMessage().contains("at line 1, column 4"), "the error names the place: " + refused.getErrorMessage());
        } finally {
            consumer.shutdown();
            producer.shutdown();
        }
    }
}
