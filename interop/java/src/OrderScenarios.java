// Orderly consumers: what is given up goes to the DLQ without holding up what is behind it, commits by hand, and queues that
// change hands between two members.
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

final class OrderScenarios {
    private static final int QUEUES = 4;

    /** Number n goes to queue n % 4, so that each queue's numbers go up by four. */
    private static void send(DefaultMQProducer producer, String topic, int from, int to) throws Exception {
        for (int n = from; n < to; n++) {
            producer.send(Env.message(topic, "", "", "" + n), (queues, message, argument) -> queues.get((Integer) argument % queues.size()), n % QUEUES);
        }
    }

    static void orderGiveUp(Env env) throws Exception {
        String topic = env.topic("giveup");
        DefaultMQProducer producer = env.producer("giveup");
        DefaultMQPushConsumer consumer = env.push("giveup");
        List<String> seen = new CopyOnWriteArrayList<>();
        try {
            producer.send(Env.message(topic, "", "", "creates the topic"));
            MessageQueue queue = producer.fetchPublishMessageQueues(topic).get(0);
            for (int n = 0; n < 3; n++) producer.send(Env.message(topic, "", "", "" + n), queue);
            consumer.setMaxReconsumeTimes(2);
            consumer.setSuspendCurrentQueueTimeMillis(100);
            consumer.subscribe(topic, "*");
            consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
                MessageExt message = messages.get(0);
                if (message.getQueueId() != queue.getQueueId() || !message.getTopic().equals(topic)) return ConsumeOrderlyStatus.SUCCESS;
                seen.add(Env.text(message) + "/" + message.getReconsumeTimes());
                return Env.text(message).equals("1") ? ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT : ConsumeOrderlyStatus.SUCCESS;
            });
            consumer.start();
            Env.await("the message behind the one that is given up", 60_000, () -> seen.contains("2/0"));
            seen.remove("creates the topic/0");
            Env.equal(Arrays.asList("0/0", "1/0", "1/1", "1/2", "2/0"), new ArrayList<>(seen), "deliveries");
            DefaultMQPullConsumer reader = new DefaultMQPullConsumer(env.group("giveupreader"));
            reader.setNamesrvAddr(env.namesrv);
            reader.setInstanceName(env.instance());
            reader.start();
            try {
                MessageQueue dlq = new MessageQueue("%DLQ%" + env.group("giveup"), queue.getBrokerName(), 0);
                Env.await("the dead letter", 60_000, () -> {
                    try {
                        PullResult result = reader.pull(dlq, "*", 0, 1);
                        return result.getMsgFoundList() != null && Env.text(result.getMsgFoundList().get(0)).equals("1");
                    } catch (Exception notYet) {
                        return false;
                    }
                });
            } finally {
                reader.shutdown();
            }
        } finally {
            consumer.shutdown();
            producer.shutdown();
        }
    }

    static void orderCommitByHand(Env env) throws Exception {
        String topic = env.topic("byhand");
        DefaultMQProducer producer = env.producer("byhand");
        DefaultMQPushConsumer consumer = env.push("byhand");
        List<String> seen = new CopyOnWriteArrayList<>();
        try {
            producer.send(Env.message(topic, "", "", "creates the topic"));
            MessageQueue queue = producer.fetchPublishMessageQueues(topic).get(0);
            for (int n = 0; n < 4; n++) producer.send(Env.message(topic, "", "", "" + n), queue);
            consumer.setSuspendCurrentQueueTimeMillis(100);
            consumer.subscribe(topic, "*");
            consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
                String text = Env.text(messages.get(0));
                if (text.equals("creates the topic")) return ConsumeOrderlyStatus.SUCCESS;
                context.setAutoCommit(false);
                seen.add(text);
                // The third is rolled back once, with the two before it.
                if (text.equals("2") && seen.indexOf("2") == seen.lastIndexOf("2")) return ConsumeOrderlyStatus.ROLLBACK;
                return text.equals("3") ? ConsumeOrderlyStatus.COMMIT : ConsumeOrderlyStatus.SUCCESS;
            });
            consumer.start();
            Env.await("all four", 60_000, () -> seen.contains("3"));
            Env.equal(Arrays.asList("0", "1", "2", "0", "1", "2", "3"), new ArrayList<>(seen), "deliveries");
        } finally {
            consumer.shutdown();
            producer.shutdown();
        }
    }

    static void orderMembers(Env env) throws Exception {
        String topic = env.topic("members");
        DefaultMQProducer producer = env.producer("members");
        Map<Integer, List<Integer>> order = new ConcurrentHashMap<>();
        Set<Integer> running = ConcurrentHashMap.newKeySet();
        List<String> overlaps = new CopyOnWriteArrayList<>();
        Map<String, Set<Integer>> owners = new ConcurrentHashMap<>();
        List<DefaultMQPushConsumer> members = new ArrayList<>();
        try {
            send(producer, topic, 0, 80);
            for (String name : new String[] {"first", "second"}) {
                DefaultMQPushConsumer member = env.push("members");
                members.add(member);
                member.subscribe(topic, "*");
                member.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
                    int queueId = messages.get(0).getQueueId();
                    if (!running.add(queueId)) overlaps.add(name + " in queue " + queueId);
                    for (MessageExt message : messages) {
                        order.computeIfAbsent(queueId, id -> new CopyOnWriteArrayList<>()).add(Integer.parseInt(Env.text(message)));
                    }
                    owners.computeIfAbsent(name, key -> ConcurrentHashMap.newKeySet()).add(queueId);
                    try {
                        Thread.sleep(10);
                    } catch (InterruptedException interrupted) {
                        Thread.currentThread().interrupt();
                    }
                    running.remove(queueId);
                    return ConsumeOrderlyStatus.SUCCESS;
                });
                member.start();
                int already = order.values().stream().mapToInt(List::size).sum();
                send(producer, topic, already == 0 ? 80 : 160, already == 0 ? 160 : 240);
                Env.await(name + " has queues", 90_000, () -> owners.containsKey(name));
            }
            Env.await("240 messages", 90_000, () -> new java.util.HashSet<>(all(order)).size() == 240);
            // A member that leaves gives its locks back: nobody waits a minute for them.
            members.remove(0).shutdown();
            long leftMs = System.currentTimeMillis();
            send(producer, topic, 240, 320);
            Env.await("the rest, at the one that stayed", 40_000, () -> new java.util.HashSet<>(all(order)).size() == 320);
            Env.check(System.currentTimeMillis() - leftMs < 40_000, "the queues changed hands at once");
            Env.equal(new ArrayList<String>(), new ArrayList<>(overlaps), "overlapping calls");
            for (Map.Entry<Integer, List<Integer>> queue : order.entrySet()) {
                for (int at = 1; at < queue.getValue().size(); at++) {
                    int before = queue.getValue().get(at - 1);
                    int now = queue.getValue().get(at);
                    Env.check(now <= before + QUEUES, "queue " + queue.getKey() + ": " + now + " after " + before);
                }
            }
        } finally {
            members.forEach(DefaultMQPushConsumer::shutdown);
            producer.shutdown();
        }
    }

    private static List<Integer> all(Map<Integer, List<Integer>> order) {
        List<Integer> all = new ArrayList<>();
        order.values().forEach(all::addAll);
        return all;
    }
}
