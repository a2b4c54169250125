// Fills a store with every kind of message and tells all that a broker serves from one, so that two brokers can be compared.
// Usage: Exchange NAMESRV BROKER STEP…     steps: write:ROUND:FILE  dump:FILE:TOPIC+TOPIC…  lookup:FILE  consume:ROUND:COUNT:FILE
//        delayed:ROUND:COUNT  bulk:ROUND:MEGABYTES  entries:FILE:TOPIC+TOPIC…
//        prints a DONE line for each step, and ends with 1 when one failed
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import org.apache.rocketmq.client.QueryResult;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

public final class Exchange {
    static final String GROUP = "G_exchange";
    private static final int WIDE_QUEUES = 64;
    private static final String[] COMPRESSIONS = {"ZLIB", "LZ4", "ZSTD"};

    private final String namesrv;
    private final String broker;
    private int instances;

    private Exchange(String namesrv, String broker) {
        this.namesrv = namesrv;
        this.broker = broker;
    }

    public static void main(String[] args) throws Exception {
        Exchange exchange = new Exchange(args[0], args[1]);
        for (String step : Arrays.copyOfRange(args, 2, args.length)) {
            String[] words = step.split(":");
            try {
                switch (words[0]) {
                    case "write": exchange.write(words[1], words[2]); break;
                    case "dump": exchange.dump(words[1], words.length > 2 ? words[2].split("\\+") : null); break;
                    case "lookup": exchange.lookup(words[1]); break;
                    case "consume": exchange.consume(words[1], Integer.parseInt(words[2]), words[3]); break;
                    case "bulk": exchange.bulk(words[1], Integer.parseInt(words[2])); break;
                    case "entries": exchange.entries(words[1], words[2].split("\\+")); break;
                    case "delayed": exchange.delayed(words[1], Integer.parseInt(words[2])); break;
                    default: throw new IllegalArgumentException(step);
                }
                System.out.println("DONE " + step);
            } catch (Throwable error) {
                error.printStackTrace();
                Runtime.getRuntime().halt(1);
            }
        }
        Runtime.getRuntime().halt(0);
    }

    // — Writing —

    private DefaultMQProducer producer() throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer("G_exchange_producer");
        producer.setNamesrvAddr(namesrv);
        producer.setInstanceName("exchange" + System.nanoTime() + instances++);
        producer.setCompressMsgBodyOverHowmuch(4096);
        producer.setSendMsgTimeout(10_000);
        producer.start();
        return producer;
    }

    private void createTopics(DefaultMQAdminExt admin, DefaultMQProducer producer, String round) throws Exception {
        for (String kind : new String[] {"kinds", "wide", "delayed", "consumed", "backs"}) {
            createTopic(admin, producer, kind + round, kind.equals("wide") ? WIDE_QUEUES : 4);
        }
    }

    private void createTopic(DefaultMQAdminExt admin, DefaultMQProducer producer, String topic, int queues) throws Exception {
        admin.createAndUpdateTopicConfig(broker, new TopicConfig(topic, queues, queues, 6));
        Env.await("route of " + topic, 90_000, () -> {
            try {
                return producer.fetchPublishMessageQueues(topic).size() == queues;
            } catch (Exception none) {
                return false;
            }
        });
    }

    private void write(String round, String file) throws Exception {
        DefaultMQAdminExt admin = admin();
        List<String> ledger = new ArrayList<>();
        DefaultMQProducer producer = producer();
        createTopics(admin, producer, round);
        String kinds = "kinds" + round;
        int[] sizes = {1, 10, 256, 1000, 4095};
        for (int n = 0; n < 40; n++) {
            Message message = new Message(kinds, n % 3 == 0 ? "Tag-ä" : "TagA", "key" + n + " shared", bytes(sizes[n % sizes.length], n));
            message.putUserProperty("color", "blue " + n + " €");
            message.setFlag(n);
            message.setWaitStoreMsgOK(n % 7 != 0);
            note(ledger, message, producer.send(message));
        }
        for (int n = 0; n < 5; n++) producer.sendOneway(new Message(kinds, "TagO", "oneway" + n, bytes(50, n)));
        List<Message> batch = new ArrayList<>();
        for (int n = 0; n < 6; n++) batch.add(new Message(kinds, "TagB", "batch" + n, bytes(100 + n, n)));
        Env.equal(SendStatus.SEND_OK, producer.send(batch).getSendStatus(), "batch");
        // Several log files of a megabyte.
        for (int n = 0; n < 60; n++) note(ledger, new Message(kinds, "Large", "large" + n, noise(60_000, n)), producer);
        for (MessageQueue queue : producer.fetchPublishMessageQueues("wide" + round)) {
            List<Message> each = new ArrayList<>();
            for (int n = 0; n < 10; n++) each.add(new Message("wide" + round, "", "wide" + queue.getQueueId() + "-" + n, bytes(40, n)));
            producer.send(each, queue);
        }
        // Level 4 is due soon, level 5 not before the test is over.
        for (int n = 0; n < 8; n++) {
            Message message = new Message("delayed" + round, "", "delayed" + n, bytes(64, n));
            message.setDelayTimeLevel(n < 6 ? 4 : 5);
            producer.send(message);
        }
        for (int n = 0; n < 60; n++) note(ledger, new Message("consumed" + round, "", "consumed" + n, bytes(30, n)), producer);
        for (int n = 0; n < 6; n++) note(ledger, new Message("backs" + round, "", "back" + n, bytes(30, n)), producer);
        producer.shutdown();
        for (String compression : COMPRESSIONS) {
            System.setProperty("rocketmq.message.compressType", compression);
            DefaultMQProducer compressing = producer();
            for (int n = 0; n < 4; n++) note(ledger, new Message(kinds, compression, compression + n, bytes(5000 * (n + 1), n)), compressing);
            compressing.shutdown();
        }
        sendBack("backs" + round);
        admin.shutdown();
        Files.write(Paths.get(file), ledger, StandardCharsets.UTF_8);
    }

    /** Megabytes of tagged and keyed messages in batches that no compression makes smaller. */
    private void bulk(String round, int megabytes) throws Exception {
        DefaultMQAdminExt admin = admin();
        DefaultMQProducer producer = producer();
        String topic = "bulk" + round;
        createTopic(admin, producer, topic, 4);
        for (int batch = 0; batch < megabytes; batch++) {
            List<Message> messages = new ArrayList<>();
            for (int n = 0; n < 32; n++) {
                int seed = batch * 32 + n;
                messages.add(new Message(topic, "Tag" + seed % 5, "bulk" + seed + " shared", noise(32_000, seed)));
            }
            Env.equal(SendStatus.SEND_OK, producer.send(messages).getSendStatus(), "batch " + batch);
        }
        producer.shutdown();
        admin.shutdown();
    }

    /** To the retry topic by way of a delay level, and to the DLQ. */
    private void sendBack(String topic) throws Exception {
        DefaultMQPullConsumer consumer = puller("G_exchange_back");
        int level = 4;
        for (MessageQueue queue : consumer.fetchSubscribeMessageQueues(topic)) {
            PullResult pulled = consumer.pull(queue, "*", 0, 32);
            if (pulled.getPullStatus() != PullStatus.FOUND) continue;
            for (MessageExt message : pulled.getMsgFoundList()) {
                consumer.sendMessageBack(message, level, null, "G_exchange_back");
                level = level == 4 ? -1 : 4;
            }
        }
        consumer.shutdown();
    }

    private static void note(List<String> ledger, Message message, DefaultMQProducer producer) throws Exception {
        note(ledger, message, producer.send(message));
    }

    private static void note(List<String> ledger, Message message, SendResult sent) throws Exception {
        Env.equal(SendStatus.SEND_OK, sent.getSendStatus(), "send of " + message.getKeys());
        ledger.add(String.join("\t", message.getTopic(), String.valueOf(sent.getMessageQueue().getQueueId()),
            String.valueOf(sent.getQueueOffset()), sent.getOffsetMsgId(), sent.getMsgId(), message.getKeys().split(" ")[0], sha(message.getBody())));
    }

    private static byte[] bytes(int size, int seed) {
        byte[] bytes = new byte[size];
        for (int at = 0; at < size; at++) bytes[at] = (byte) (at * 7 + seed);
        return bytes;
    }

    private static byte[] noise(int size, int seed) {
        byte[] bytes = new byte[size];
        new java.util.Random(seed).nextBytes(bytes);
        return bytes;
    }

    private static String sha(byte[] bytes) throws Exception {
        return String.format("%064x", new java.math.BigInteger(1, MessageDigest.getInstance("SHA-256").digest(bytes)));
    }

    // — Reading —

    private DefaultMQAdminExt admin() throws Exception {
        DefaultMQAdminExt admin = new DefaultMQAdminExt(10_000);
        admin.setNamesrvAddr(namesrv);
        admin.setInstanceName("admin" + System.nanoTime() + instances++);
        admin.start();
        return admin;
    }

    private DefaultMQPullConsumer puller(String group) throws Exception {
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer(group);
        consumer.setNamesrvAddr(namesrv);
        consumer.setInstanceName("puller" + System.nanoTime() + instances++);
        consumer.start();
        return consumer;
    }

    /** Every queue's bounds and every message that a pull gives, a line each; all topics unless some are named. */
    private void dump(String file, String[] named) throws Exception {
        DefaultMQAdminExt admin = admin();
        DefaultMQPullConsumer consumer = puller("G_exchange_dump");
        Collection<String> topics = named != null ? Arrays.asList(named) : admin.fetchAllTopicList().getTopicList();
        TreeMap<String, String> lines = new TreeMap<>();
        for (String topic : topics) {
            for (var entry : admin.examineTopicStats(topic).getOffsetTable().entrySet()) {
                MessageQueue queue = entry.getKey();
                long min = entry.getValue().getMinOffset();
                long max = entry.getValue().getMaxOffset();
                if (max == 0) continue;
                String name = String.format("%s\t%05d", topic, queue.getQueueId());
                lines.put(name, "queue " + min + " " + max);
                dumpQueue(consumer, queue, name, min, max, lines);
            }
        }
        List<String> text = new ArrayList<>();
        lines.forEach((place, what) -> text.add(place + "\t" + what));
        Files.write(Paths.get(file), text, StandardCharsets.UTF_8);
        consumer.shutdown();
        admin.shutdown();
    }

    /** Every entry of every queue as the broker reads it from its files: where its record is, how long, and its tags' code. */
    private void entries(String file, String[] topics) throws Exception {
        DefaultMQAdminExt admin = admin();
        List<String> lines = new ArrayList<>();
        for (String topic : topics) {
            TreeMap<Integer, Long> ends = new TreeMap<>();
            admin.examineTopicStats(topic).getOffsetTable().forEach((queue, offsets) -> ends.put(queue.getQueueId(), offsets.getMaxOffset()));
            for (var end : ends.entrySet()) {
                for (long index = 0; index < end.getValue();) {
                    var found = admin.queryConsumeQueue(broker, topic, end.getKey(), index, 1000, null).getQueueData();
                    for (var entry : found) {
                        lines.add(String.join("\t", topic, String.valueOf(end.getKey()), String.valueOf(index++),
                            String.valueOf(entry.getPhysicOffset()), String.valueOf(entry.getPhysicSize()), String.valueOf(entry.getTagsCode())));
                    }
                    if (found.isEmpty()) throw new IllegalStateException("no entry " + index + " in " + topic + "/" + end.getKey());
                }
            }
        }
        Files.write(Paths.get(file), lines, StandardCharsets.UTF_8);
        admin.shutdown();
    }

    private void dumpQueue(DefaultMQPullConsumer consumer, MessageQueue queue, String name, long min, long max,
        TreeMap<String, String> lines) throws Exception {
        for (long offset = min; offset < max;) {
            PullResult pulled = consumer.pull(queue, "*", offset, 256, 10_000);
            if (pulled.getPullStatus() == PullStatus.FOUND) {
                for (MessageExt message : pulled.getMsgFoundList()) {
                    lines.put(String.format("%s\t%012d", name, message.getQueueOffset()), line(message));
                }
            } else lines.put(String.format("%s\t%012d", name, offset), pulled.getPullStatus().toString());
            if (pulled.getNextBeginOffset() <= offset) break;
            offset = pulled.getNextBeginOffset();
        }
    }

    private static String line(MessageExt message) throws Exception {
        return String.join(" ", String.valueOf(message.getCommitLogOffset()), String.valueOf(message.getStoreSize()),
            String.valueOf(message.getSysFlag()), String.valueOf(message.getFlag()), String.valueOf(message.getBornTimestamp()),
            String.valueOf(message.getStoreTimestamp()), String.valueOf(message.getReconsumeTimes()), message.getMsgId(),
            sha(message.getBody()), sha(new java.util.TreeMap<>(message.getProperties()).toString().getBytes(StandardCharsets.UTF_8)));
    }

    /** Each line's message by offset id, by unique key, and by key. */
    private void lookup(String file) throws Exception {
        DefaultMQPullConsumer consumer = puller("G_exchange_lookup");
        for (String line : Files.readAllLines(Paths.get(file), StandardCharsets.UTF_8)) {
            String[] words = line.split("\t");
            same(words, consumer.viewMessage(words[0], words[3]), "by offset id");
            same(words, consumer.viewMessage(words[0], words[4]), "by unique key");
            QueryResult found = consumer.queryMessage(words[0], words[5], 32, 0, Long.MAX_VALUE);
            Env.equal(1, found.getMessageList().size(), "messages with key " + words[5] + " in " + words[0]);
            same(words, found.getMessageList().get(0), "by key");
        }
        consumer.shutdown();
    }

    private static void same(String[] words, MessageExt message, String how) throws Exception {
        String place = words[0] + "/" + words[1] + "/" + words[2];
        Env.equal(place, message.getTopic() + "/" + message.getQueueId() + "/" + message.getQueueOffset(), "place " + how);
        Env.equal(words[6], sha(message.getBody()), "body " + how + " of " + place);
    }

    /** At least COUNT of the round's messages, or all that are left when COUNT is 0; what came is committed. */
    private void consume(String round, int count, String file) throws Exception {
        DefaultLitePullConsumer consumer = new DefaultLitePullConsumer(GROUP);
        consumer.setNamesrvAddr(namesrv);
        consumer.setInstanceName("consume" + System.nanoTime());
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setAutoCommit(false);
        consumer.setPullBatchSize(5);
        consumer.start();
        Collection<MessageQueue> queues = consumer.fetchMessageQueues("consumed" + round);
        DefaultMQPullConsumer offsets = puller(GROUP + "_offsets");
        long left = 0;
        consumer.assign(queues);
        for (MessageQueue queue : queues) left += offsets.maxOffset(queue) - Math.max(0, consumer.committed(queue));
        long wanted = count > 0 ? count : left;
        List<String> keys = new ArrayList<>();
        long deadlineMs = System.currentTimeMillis() + 90_000;
        while (keys.size() < wanted && System.currentTimeMillis() < deadlineMs) {
            for (MessageExt message : consumer.poll(500)) keys.add(message.getKeys());
            consumer.commitSync();
        }
        consumer.shutdown();
        offsets.shutdown();
        Files.write(Paths.get(file), keys, StandardCharsets.UTF_8);
    }

    /** COUNT delayed messages of a round are delivered, each once. */
    private void delayed(String round, int count) throws Exception {
        DefaultMQPullConsumer consumer = puller("G_exchange_delayed");
        Set<String> seen = new HashSet<>();
        Env.await(count + " delayed messages", 60_000, () -> {
            try {
                seen.clear();
                for (MessageQueue queue : consumer.fetchSubscribeMessageQueues("delayed" + round)) {
                    PullResult pulled = consumer.pull(queue, "*", 0, 32);
                    if (pulled.getPullStatus() != PullStatus.FOUND) continue;
                    for (MessageExt message : pulled.getMsgFoundList()) seen.add(message.getKeys());
                }
                return seen.size() >= count;
            } catch (Exception notYet) {
                return false;
            }
        });
        Env.equal(count, seen.size(), "delayed messages");
        consumer.shutdown();
    }
}
