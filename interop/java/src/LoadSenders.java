// What Load sends with: one kind of message, or of producer, each.
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageAccessor;
import org.apache.rocketmq.common.message.MessageExt;

final class LoadSenders {
    /** Messages of one batch. */
    static final int BATCH = 32;
    /** A busy machine takes longer for an answer than the client is ready to wait. */
    static final int PATIENCE_MS = 15_000;
    private static final int ATTEMPTS = 10;
    /** Of clients that have no name for it. */
    private static final String PRIORITY = "_SYS_MSG_PRIORITY_";
    private static final String LIGHT_QUEUES = "INNER_MULTI_DISPATCH";

    /** One send, of one message or more. */
    private interface Sending {
        SendResult send(DefaultMQProducer producer, String topic, byte[] body) throws Exception;
    }

    private final DefaultMQProducer producer;
    private final Sending sending;
    /** Messages of one send. */
    final int messages;

    private LoadSenders(DefaultMQProducer producer, int messages, Sending sending) {
        this.producer = producer;
        this.messages = messages;
        this.sending = sending;
    }

    SendResult send(String topic, byte[] body) throws Exception {
        return sending.send(producer, topic, body);
    }

    /** The first send makes the topic, and meets clients and servers that only just start. */
    void sendFirst(String topic, byte[] body) throws Exception {
        patiently(() -> send(topic, body));
    }

    static void patiently(Callable<SendResult> sending) throws Exception {
        for (int attempt = 1;; attempt++) {
            try {
                sending.call();
                return;
            } catch (Exception error) {
                if (attempt == ATTEMPTS) throw error;
                Thread.sleep(200);
            }
        }
    }

    static LoadSenders of(String kind, String namesrv) throws Exception {
        switch (kind) {
            case "produce":
            case "compress":
                return new LoadSenders(plain(namesrv), 1, LoadSenders::one);
            case "trace":
                return new LoadSenders(started(new DefaultMQProducer("G_load_traced", true, null), namesrv), 1, LoadSenders::one);
            case "transact":
                return new LoadSenders(started(transacting(), namesrv), 1, (producer, topic, body) ->
                    ((TransactionMQProducer) producer).sendMessageInTransaction(new Message(topic, body), null));
            case "batch":
                return new LoadSenders(plain(namesrv), BATCH, (producer, topic, body) -> producer.send(batch(topic, body)));
            case "priority":
                return new LoadSenders(plain(namesrv), 1, (producer, topic, body) -> producer.send(prioritized(topic, body)));
            case "dispatch":
                return new LoadSenders(plain(namesrv), 1, (producer, topic, body) -> producer.send(dispatched(topic, body)));
            default:
                throw new IllegalArgumentException(kind);
        }
    }

    /** What a kind's bodies are: hexadecimal digits, of which about half is left, where they are to be compressed. */
    static byte[] bodyOf(String kind, int size) {
        if (!kind.equals("compress")) return body(size);
        StringBuilder digits = new StringBuilder();
        Random random = new Random(1);
        while (digits.length() < size) digits.append(Integer.toHexString(random.nextInt()));
        return digits.substring(0, size).getBytes(StandardCharsets.US_ASCII);
    }

    static byte[] body(int size) {
        byte[] body = new byte[size];
        Arrays.fill(body, (byte) 'x');
        return body;
    }

    /** Messages of 128 B that a filter can tell apart: `part` goes from 0 to 9 and begins again. */
    static List<Message> parts(String topic, long first, long end) {
        List<Message> batch = new ArrayList<>(BATCH);
        for (long n = first; n < Math.min(end, first + BATCH); n++) {
            Message message = new Message(topic, body(128));
            message.putUserProperty("part", String.valueOf(n % 10));
            batch.add(message);
        }
        return batch;
    }

    static DefaultMQProducer plain(String namesrv) throws Exception {
        return started(new DefaultMQProducer("G_load"), namesrv);
    }

    private static SendResult one(DefaultMQProducer producer, String topic, byte[] body) throws Exception {
        return producer.send(new Message(topic, body));
    }

    private static List<Message> batch(String topic, byte[] body) {
        List<Message> batch = new ArrayList<>(BATCH);
        for (int n = 0; n < BATCH; n++) batch.add(new Message(topic, body));
        return batch;
    }

    private static Message dispatched(String topic, byte[] body) {
        Message message = new Message(topic, body);
        MessageAccessor.putProperty(message, LIGHT_QUEUES, "%LMQ%first,%LMQ%second");
        return message;
    }

    private static Message prioritized(String topic, byte[] body) {
        Message message = new Message(topic, body);
        MessageAccessor.putProperty(message, PRIORITY, String.valueOf(ThreadLocalRandom.current().nextInt(4)));
        return message;
    }

    private static TransactionMQProducer transacting() {
        TransactionMQProducer producer = new TransactionMQProducer("G_load_transacting");
        producer.setTransactionListener(new TransactionListener() {
            @Override public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
                return LocalTransactionState.COMMIT_MESSAGE;
            }

            @Override public LocalTransactionState checkLocalTransaction(MessageExt message) {
                return LocalTransactionState.COMMIT_MESSAGE;
            }
        });
        return producer;
    }

    private static DefaultMQProducer started(DefaultMQProducer producer, String namesrv) throws Exception {
        producer.setNamesrvAddr(namesrv);
        producer.setInstanceName("load" + System.nanoTime());
        producer.setSendMsgTimeout(10_000);
        producer.setMqClientApiTimeout(PATIENCE_MS);
        producer.start();
        return producer;
    }
}
