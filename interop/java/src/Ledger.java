// Keeps a ledger of acknowledged messages while brokers die, and compares it with what is stored in the end.
// Usage: Ledger send NAMESRV TOPIC THREADS LEDGER STOP     until the file STOP is there; a line for each acknowledged message
//        Ledger check NAMESRV TOPIC LEDGER…                prints a CHECK line of JSON
// A ledger's line: key, queue, queue offset and offset id, parted by tabs. The body follows from the key.
import java.io.BufferedWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

public final class Ledger {
    private static final int FILLER_BYTES_MAX = 1500;
    private static final int VIEWED_MAX = 60;
    private static final int NAMED_MAX = 5;

    public static void main(String[] args) throws Exception {
        try {
            if (args[0].equals("send")) send(args);
            else check(args);
            Runtime.getRuntime().halt(0);
        } catch (Throwable error) {
            // The client's threads would keep the process open.
            error.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
    }

    /** The same as `ledgerBody` of interop/support/ledger.ts. */
    static byte[] body(String key) {
        int hash = 7;
        for (int at = 0; at < key.length(); at++) hash = (hash * 31 + key.charAt(at)) & 0x7fffffff;
        String filler = String.valueOf((char) ('a' + hash % 26)).repeat(hash % FILLER_BYTES_MAX);
        return (key + ":" + filler).getBytes(StandardCharsets.UTF_8);
    }

    private static void send(String[] args) throws Exception {
        String topic = args[2];
        int threads = Integer.parseInt(args[3]);
        Path stop = Paths.get(args[5]);
        DefaultMQProducer producer = new DefaultMQProducer("G_ledger");
        producer.setNamesrvAddr(args[1]);
        producer.setRetryTimesWhenSendFailed(0);
        producer.setSendMsgTimeout(2000);
        producer.start();
        BufferedWriter ledger = Files.newBufferedWriter(Paths.get(args[4]));
        CountDownLatch done = new CountDownLatch(threads);
        for (int thread = 0; thread < threads; thread++) {
            String prefix = "j" + ProcessHandle.current().pid() + "-" + thread + "-";
            new Thread(() -> {
                for (int n = 0; !Files.exists(stop); n++) sendOne(producer, topic, prefix + n, ledger);
                done.countDown();
            }).start();
        }
        done.await();
        ledger.close();
    }

    /** A message that isn't acknowledged may be stored or not: nothing is said of it, and the next one has a key of its own. */
    private static void sendOne(DefaultMQProducer producer, String topic, String key, BufferedWriter ledger) {
        try {
            SendResult sent = producer.send(new Message(topic, "", key, body(key)));
            if (sent.getSendStatus() != SendStatus.SEND_OK) return;
            String line = key + "\t" + sent.getMessageQueue().getQueueId() + "\t" + sent.getQueueOffset() + "\t"
                + sent.getOffsetMsgId() + "\n";
            synchronized (ledger) {
                ledger.write(line);
            }
        } catch (Exception refused) {
            try {
                Thread.sleep(10);
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static void check(String[] args) throws Exception {
        String topic = args[2];
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer("G_ledger_check");
        consumer.setNamesrvAddr(args[1]);
        consumer.start();
        List<String> changed = new ArrayList<>();
        Map<String, String> stored = stored(consumer, topic, changed);
        Map<String, String> acknowledged = new HashMap<>();
        List<String> missing = new ArrayList<>();
        List<String> clashes = new ArrayList<>();
        List<String> unreadable = new ArrayList<>();
        int viewed = 0;
        for (int at = 3; at < args.length; at++) {
            List<String> lines = Files.readAllLines(Paths.get(args[at]));
            int step = Math.max(1, lines.size() / VIEWED_MAX);
            for (int n = 0; n < lines.size(); n++) {
                String[] line = lines.get(n).split("\t");
                String place = line[1] + "/" + line[2];
                String other = acknowledged.put(place, line[0]);
                if (other != null) clashes.add(place + " " + other + " " + line[0]);
                if (!line[0].equals(stored.get(place))) missing.add(place + " " + line[0] + ", there is " + stored.get(place));
                if (n % step != 0) continue;
                viewed++;
                if (!isViewed(consumer, topic, line[3], line[0])) unreadable.add(line[3] + " " + line[0]);
            }
        }
        System.out.println("CHECK {\"acknowledged\":" + acknowledged.size() + ",\"stored\":" + stored.size() + ",\"viewed\":" + viewed
            + list("missing", missing) + list("changed", changed) + list("clashes", clashes) + list("unreadable", unreadable) + "}");
        System.out.flush();
    }

    private static String list(String name, List<String> problems) {
        List<String> named = new ArrayList<>();
        for (String each : problems.subList(0, Math.min(NAMED_MAX, problems.size()))) named.add("\"" + each + "\"");
        if (problems.size() > named.size()) named.add("\"and " + (problems.size() - named.size()) + " more\"");
        return ",\"" + name + "\":[" + String.join(",", named) + "]";
    }

    private static boolean isViewed(DefaultMQPullConsumer consumer, String topic, String offsetId, String key) {
        try {
            return key.equals(consumer.viewMessage(topic, offsetId).getKeys());
        } catch (Exception absent) {
            return false;
        }
    }

    /** The key of every message in the topic by "queue/offset". */
    private static Map<String, String> stored(DefaultMQPullConsumer consumer, String topic, List<String> changed) throws Exception {
        Map<String, String> keys = new HashMap<>();
        for (MessageQueue queue : consumer.fetchSubscribeMessageQueues(topic)) {
            long offset = consumer.minOffset(queue);
            long end = consumer.maxOffset(queue);
            while (offset < end) {
                PullResult pulled = consumer.pull(queue, "*", offset, 1024, 10_000);
                if (pulled.getPullStatus() != PullStatus.FOUND) {
                    changed.add("pull at " + queue.getQueueId() + "/" + offset + " of " + end + ": " + pulled.getPullStatus());
                    if (pulled.getNextBeginOffset() <= offset) break;
                    offset = pulled.getNextBeginOffset();
                    continue;
                }
                for (MessageExt message : pulled.getMsgFoundList()) {
                    String place = queue.getQueueId() + "/" + message.getQueueOffset();
                    if (message.getQueueOffset() != offset) changed.add(place + " came where " + offset + " was due");
                    offset = message.getQueueOffset() + 1;
                    String key = message.getKeys();
                    if (!java.util.Arrays.equals(body(key), message.getBody())) changed.add(place + " " + key);
                    keys.put(place, key);
                }
            }
        }
        return keys;
    }
}
