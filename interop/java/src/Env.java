// What every scenario gets: the name server's address, names of its own, and checks that throw.
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

final class Env {
    final String namesrv;
    final String runId;
    private int instances;

    Env(String namesrv, String runId) {
        this.namesrv = namesrv;
        this.runId = runId;
    }

    String topic(String name) {
        return "T_" + name + "_" + runId;
    }

    String group(String name) {
        return "G_" + name + "_" + runId;
    }

    synchronized String instance() {
        return "i" + runId + "x" + instances++;
    }

    DefaultMQProducer producer(String name) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer(group(name));
        producer.setNamesrvAddr(namesrv);
        producer.setInstanceName(instance());
        // A send that is given up too early is sent again, and its message counted twice.
        producer.setSendMsgTimeout(10_000);
        producer.start();
        return producer;
    }

    /** A push consumer of a group of its own, from the queues' first messages, that isn't started yet. */
    DefaultMQPushConsumer push(String name) {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group(name));
        consumer.setNamesrvAddr(namesrv);
        consumer.setInstanceName(instance());
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        // A start fails when one answer of a busy machine takes longer.
        consumer.setMqClientApiTimeout(15_000);
        return consumer;
    }

    static String text(MessageExt message) {
        return new String(message.getBody(), StandardCharsets.UTF_8);
    }

    static Message message(String topic, String tag, String key, String body) throws Exception {
        return new Message(topic, tag, key, body.getBytes("UTF-8"));
    }

    static void equal(Object expected, Object actual, String what) {
        if (!Objects.equals(expected, actual)) throw new AssertionError(what + ": expected " + expected + ", got " + actual);
    }

    static void check(boolean holds, String what) {
        if (!holds) throw new AssertionError(what);
    }

    static void await(String what, long timeoutMs, BooleanSupplier condition) throws InterruptedException {
        long deadlineMs = System.currentTimeMillis() + timeoutMs;
        while (!condition.getAsBoolean()) {
            if (System.currentTimeMillis() > deadlineMs) throw new AssertionError("not within " + timeoutMs + " ms: " + what);
            Thread.sleep(20);
        }
    }
}
