// The Java client's transactions: begun, ended at once, ended by an answer to the broker's check, or left open.
// Usage: Transactions NAMESRV STEP…
//   run:TOPIC:COUNT        a quarter each: committed, rolled back, unknown and then committed or rolled back when asked
//   leave:TOPIC:COUNT      left open: every check is answered "unknown"
//   answer:TOPIC:COUNT     answers checks of what others left: until COUNT transactions were asked about
//   churn:TOPIC:LEDGER:STOP  until the file STOP is there: a line for each transaction and how it ended
//   dump:TOPIC:FILE        the keys in the topic, a line each, sorted
// A key ends with its number: even ones are committed, odd ones rolled back, as one can tell from the key alone.
import java.io.BufferedWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.producer.TransactionSendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

public final class Transactions {
    private static final String GROUP = "PID_interop_tx";

    public static void main(String[] args) throws Exception {
        try {
            for (int at = 1; at < args.length; at++) step(args[0], args[at].split(":"));
            Runtime.getRuntime().halt(0);
        } catch (Throwable error) {
            // The client's threads would keep the process open.
            error.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
    }

    private static void step(String namesrv, String[] step) throws Exception {
        String topic = step[1];
        switch (step[0]) {
            case "run":
                run(namesrv, topic, Integer.parseInt(step[2]));
                return;
            case "leave":
                leave(namesrv, topic, Integer.parseInt(step[2]));
                return;
            case "answer":
                answer(namesrv, topic, Integer.parseInt(step[2]));
                return;
            case "churn":
                churn(namesrv, topic, Paths.get(step[2]), Paths.get(step[3]));
                return;
            case "dump":
                dump(namesrv, topic, Paths.get(step[2]));
                return;
            default:
                throw new IllegalArgumentException(step[0]);
        }
    }

    private static LocalTransactionState verdict(String key) {
        int number = Integer.parseInt(key.substring(key.lastIndexOf('-') + 1));
        return number % 2 == 0 ? LocalTransactionState.COMMIT_MESSAGE : LocalTransactionState.ROLLBACK_MESSAGE;
    }

    /** What a test lets the listener say, and what it was asked. */
    private abstract static class Listener implements TransactionListener {
        final Set<String> asked = ConcurrentHashMap.newKeySet();

        @Override public LocalTransactionState checkLocalTransaction(MessageExt message) {
            LocalTransactionState state = whenAsked(message);
            asked.add(message.getKeys());
            return state;
        }

        LocalTransactionState whenAsked(MessageExt message) {
            return verdict(message.getKeys());
        }
    }

    private static TransactionMQProducer producer(String namesrv, TransactionListener listener) throws Exception {
        TransactionMQProducer producer = new TransactionMQProducer(GROUP);
        producer.setNamesrvAddr(namesrv);
        producer.setInstanceName("tx" + System.nanoTime());
        producer.setSendMsgTimeout(10_000);
        // A broker that was started again knows of a producer by its next heartbeat.
        producer.setHeartbeatBrokerInterval(1000);
        producer.setTransactionListener(listener);
        producer.start();
        return producer;
    }

    private static Message message(String topic, String key) throws Exception {
        Message message = Env.message(topic, "TagTx", key, "transaction " + key);
        message.putUserProperty("color", "blue");
        message.setFlag(7);
        return message;
    }

    private static void run(String namesrv, String topic, int count) throws Exception {
        Listener listener = new Listener() {
            @Override public LocalTransactionState executeLocalTransaction(Message message, Object number) {
                return (Integer) number % 4 < 2 ? verdict(message.getKeys()) : LocalTransactionState.UNKNOW;
            }

            @Override LocalTransactionState whenAsked(MessageExt message) {
                Env.equal(topic, message.getTopic(), "topic of a check");
                Env.equal("transaction " + message.getKeys(), new String(message.getBody()), "body of a check");
                Env.equal("blue", message.getUserProperty("color"), "property of a check");
                Env.check(message.getTransactionId() != null, "a check has its transaction id");
                return verdict(message.getKeys());
            }
        };
        TransactionMQProducer producer = producer(namesrv, listener);
        for (int n = 0; n < count; n++) {
            TransactionSendResult result = producer.sendMessageInTransaction(message(topic, topic + "-" + n), n);
            Env.equal(SendStatus.SEND_OK, result.getSendStatus(), "status");
            Env.check(result.getTransactionId() != null, "a transaction id");
        }
        Env.await("checks of " + count / 2 + " transactions", 60_000, () -> listener.asked.size() == count / 2);
        Thread.sleep(500);
        producer.shutdown();
    }

    private static void leave(String namesrv, String topic, int count) throws Exception {
        TransactionMQProducer producer = producer(namesrv, new Listener() {
            @Override public LocalTransactionState executeLocalTransaction(Message message, Object number) {
                return LocalTransactionState.UNKNOW;
            }

            @Override LocalTransactionState whenAsked(MessageExt message) {
                return LocalTransactionState.UNKNOW;
            }
        });
        for (int n = 0; n < count; n++) {
            producer.sendMessageInTransaction(message(topic, "left-" + topic + "-" + n), n);
        }
        producer.shutdown();
    }

    private static void answer(String namesrv, String topic, int count) throws Exception {
        Listener listener = new Listener() {
            @Override public LocalTransactionState executeLocalTransaction(Message message, Object number) {
                return LocalTransactionState.UNKNOW;
            }
        };
        TransactionMQProducer producer = producer(namesrv, listener);
        // A producer joins its group at the brokers that it knows of.
        producer.send(message("Join" + topic, "join-0"));
        Env.await("checks of " + count + " transactions", 90_000, () -> listener.asked.size() >= count);
        Thread.sleep(500);
        producer.shutdown();
    }

    private static void churn(String namesrv, String topic, Path ledgerPath, Path stop) throws Exception {
        Listener listener = new Listener() {
            @Override public LocalTransactionState executeLocalTransaction(Message message, Object number) {
                return (Integer) number % 10 < 8 ? verdict(message.getKeys()) : LocalTransactionState.UNKNOW;
            }
        };
        TransactionMQProducer producer = producer(namesrv, listener);
        producer.setSendMsgTimeout(1000);
        producer.setRetryTimesWhenSendFailed(0);
        try (BufferedWriter ledger = Files.newBufferedWriter(ledgerPath)) {
            for (int n = 0; !Files.exists(stop); n++) {
                String key = "churn" + ProcessHandle.current().pid() + "-" + n;
                try {
                    TransactionSendResult result = producer.sendMessageInTransaction(message(topic, key), n);
                    if (result.getSendStatus() != SendStatus.SEND_OK) continue;
                    ledger.write(key + "\n");
                    ledger.flush();
                } catch (Exception refused) {
                    // Nothing is said of it: it may be there, undecided.
                    Thread.sleep(20);
                }
            }
        }
        // What is still open is asked about, as long as nothing comes any more.
        int before = -1;
        while (before != listener.asked.size()) {
            before = listener.asked.size();
            Thread.sleep(10_000);
        }
        producer.shutdown();
    }

    private static void dump(String namesrv, String topic, Path file) throws Exception {
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer("G_tx_dump" + System.nanoTime());
        consumer.setNamesrvAddr(namesrv);
        consumer.start();
        List<String> keys = new ArrayList<>();
        for (MessageQueue queue : consumer.fetchSubscribeMessageQueues(topic)) {
            long end = consumer.maxOffset(queue);
            for (long offset = consumer.minOffset(queue); offset < end;) {
                PullResult pulled = consumer.pull(queue, "*", offset, 32, 10_000);
                Env.equal(PullStatus.FOUND, pulled.getPullStatus(), "status at " + offset);
                for (MessageExt message : pulled.getMsgFoundList()) {
                    Env.equal("transaction " + message.getKeys(), new String(message.getBody()), "body");
                    keys.add(message.getKeys());
                }
                offset = pulled.getNextBeginOffset();
            }
        }
        consumer.shutdown();
        Collections.sort(keys);
        Files.write(file, keys);
    }
}
