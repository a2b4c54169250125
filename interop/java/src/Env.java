// What every scenario gets: the name server's address, names of its own, and checks that throw.
import java.util.Objects;
import java.util.function.BooleanSupplier;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;

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
        producer.start();
        return producer;
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
