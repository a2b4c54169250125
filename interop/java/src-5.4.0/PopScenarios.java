// POP consuming as Java's push consumer of 5.x does it when the broker assigns its queues, and by raw requests.
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageRequestMode;
import org.apache.rocketmq.remoting.protocol.body.ClusterInfo;
import org.apache.rocketmq.remoting.protocol.route.BrokerData;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

final class PopScenarios {
    /** Long enough for a machine that does other things too: no message comes twice by slowness. */
    private static final long INVISIBLE_MS = 60_000;

    private static DefaultMQPushConsumer push(Env env, String name) {
        DefaultMQPushConsumer consumer = env.push(name);
        consumer.setClientRebalance(false);
        consumer.setPopInvisibleTime(INVISIBLE_MS);
        return consumer;
    }

    private static String text(MessageExt message) {
        return new String(message.getBody(), java.nio.charset.StandardCharsets.UTF_8);
    }

    /** The topic with its queues and the group, which pops from it. */
    static void prepare(Env env, String topic, String group, int queues, int shared) throws Exception {
        DefaultMQAdminExt admin = new DefaultMQAdminExt();
        admin.setNamesrvAddr(env.namesrv);
        admin.setInstanceName(env.instance());
        admin.start();
        try {
            ClusterInfo cluster = admin.examineBrokerClusterInfo();
            for (BrokerData broker : cluster.getBrokerAddrTable().values()) {
                String address = broker.selectBrokerAddr();
                org.apache.rocketmq.common.TopicConfig config = new org.apache.rocketmq.common.TopicConfig(topic);
                config.setReadQueueNums(queues);
                config.setWriteQueueNums(queues);
                admin.createAndUpdateTopicConfig(address, config);
                org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig groupConfig =
                    new org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig();
                groupConfig.setGroupName(group);
                admin.createAndUpdateSubscriptionGroupConfig(address, groupConfig);
                admin.setMessageRequestMode(address, topic, group, MessageRequestMode.POP, shared, 3000);
            }
        } finally {
            admin.shutdown();
        }
    }

    static void popPush(Env env) throws Exception {
        String topic = env.topic("pop");
        prepare(env, topic, env.group("pop"), 4, 8);
        DefaultMQProducer producer = env.producer("pop");
        Map<String, AtomicInteger> seen = new ConcurrentHashMap<>();
        List<DefaultMQPushConsumer> consumers = new ArrayList<>();
        try {
            for (int n = 0; n < 100; n++) producer.send(Env.message(topic, "TagA", "", "m" + n));
            for (int member = 0; member < 2; member++) {
                DefaultMQPushConsumer consumer = push(env, "pop");
                consumer.subscribe(topic, "TagA");
                consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                    for (MessageExt message : messages) seen.computeIfAbsent(text(message), key -> new AtomicInteger()).incrementAndGet();
                    return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
                });
                consumer.start();
                consumers.add(consumer);
            }
            Env.await("100 messages sent before", 60_000, () -> seen.size() == 100);
            for (int n = 100; n < 200; n++) producer.send(Env.message(topic, "TagA", "", "m" + n));
            for (int n = 0; n < 20; n++) producer.send(Env.message(topic, "TagOther", "", "x" + n));
            Env.await("200 messages in all", 60_000, () -> seen.size() == 200);
            for (Map.Entry<String, AtomicInteger> entry : seen.entrySet()) Env.equal(1, entry.getValue().get(), "deliveries of " + entry.getKey());
        } finally {
            consumers.forEach(DefaultMQPushConsumer::shutdown);
            producer.shutdown();
        }
    }

    /** A message that is put off, and one whose consumer is slow: each comes again, counted, under its own topic. */
    static void popRetry(Env env) throws Exception {
        String topic = env.topic("popretry");
        prepare(env, topic, env.group("popretry"), 2, 8);
        DefaultMQProducer producer = env.producer("popretry");
        DefaultMQPushConsumer consumer = push(env, "popretry");
        Map<String, List<Integer>> deliveries = new ConcurrentHashMap<>();
        Set<String> topics = ConcurrentHashMap.newKeySet();
        Set<String> firstPops = ConcurrentHashMap.newKeySet();
        try {
            consumer.subscribe(topic, "*");
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                MessageExt message = messages.get(0);
                topics.add(message.getTopic());
                List<Integer> counts = deliveries.computeIfAbsent(text(message), key -> java.util.Collections.synchronizedList(new ArrayList<>()));
                counts.add(message.getReconsumeTimes());
                if (message.getReconsumeTimes() > 0) firstPops.add(message.getProperty("1ST_POP_TIME"));
                boolean again = text(message).equals("later") && counts.size() == 1;
                return again ? ConsumeConcurrentlyStatus.RECONSUME_LATER : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
            consumer.start();
            producer.send(Env.message(topic, "", "", "at once"));
            producer.send(Env.message(topic, "", "", "later"));
            Env.await("the message again", 120_000, () -> deliveries.getOrDefault("later", List.of()).size() == 2);
            Env.equal(List.of(0, 1), deliveries.get("later"), "deliveries counted");
            Env.equal(List.of(0), deliveries.get("at once"), "acknowledged, not again");
            Env.equal(Set.of(topic), topics, "topics that the listener saw");
            Env.equal(1, firstPops.size(), "time of the first pop");
        } finally {
            consumer.shutdown();
            producer.shutdown();
        }
    }

    /** Queues that the broker assigns for pulling: each member has its own, all messages come once. */
    static void popAssignedPull(Env env) throws Exception {
        String topic = env.topic("assigned");
        DefaultMQProducer producer = env.producer("assigned");
        Map<String, AtomicInteger> seen = new ConcurrentHashMap<>();
        Set<String> members = ConcurrentHashMap.newKeySet();
        List<DefaultMQPushConsumer> consumers = new ArrayList<>();
        try {
            producer.send(Env.message(topic, "", "", "warm-up"));
            for (int member = 0; member < 2; member++) {
                DefaultMQPushConsumer consumer = push(env, "assigned");
                String name = "c" + member;
                consumer.subscribe(topic, "*");
                consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                    for (MessageExt message : messages) {
                        if (text(message).equals("warm-up")) continue;
                        seen.computeIfAbsent(text(message), key -> new AtomicInteger()).incrementAndGet();
                        members.add(name);
                    }
                    return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
                });
                consumer.start();
                consumers.add(consumer);
            }
            for (DefaultMQPushConsumer consumer : consumers) {
                Env.await("each member has queues", 60_000, () -> consumer.getDefaultMQPushConsumerImpl().getRebalanceImpl()
                    .getProcessQueueTable().keySet().stream().filter(queue -> queue.getTopic().equals(topic)).count() == 2);
            }
            for (int n = 0; n < 100; n++) producer.send(Env.message(topic, "", "", "m" + n));
            Env.await("100 messages", 60_000, () -> seen.size() == 100);
            for (Map.Entry<String, AtomicInteger> entry : seen.entrySet()) Env.equal(1, entry.getValue().get(), "deliveries of " + entry.getKey());
            Env.equal(2, members.size(), "members that worked");
        } finally {
            consumers.forEach(DefaultMQPushConsumer::shutdown);
            producer.shutdown();
        }
    }

    static void popMembers(Env env) throws Exception {
        String topic = env.topic("popmembers");
        prepare(env, topic, env.group("popmembers"), 8, 1);
        DefaultMQProducer producer = env.producer("popmembers");
        try {
            ConsumeScenarios.membersComeAndGo(producer, topic, () -> push(env, "popmembers"));
        } finally {
            producer.shutdown();
        }
    }

    /** Batch acknowledgement, a changed time and an unacknowledged message, by raw requests. */
    static void popRaw(Env env) throws Exception {
        String topic = env.topic("popraw");
        String group = env.group("popraw");
        prepare(env, topic, group, 1, 8);
        DefaultMQProducer producer = env.producer("popraw");
        try (PopCalls calls = new PopCalls(env, topic, group)) {
            for (int n = 0; n < 8; n++) producer.send(Env.message(topic, n % 2 == 0 ? "Even" : "Odd", "", "m" + n));
            List<MessageExt> popped = calls.pop(8, 15_000, false, null, "Even || Odd");
            Env.equal(8, popped.size(), "messages popped");
            Env.equal(0, calls.pop(8, 15_000, false, null, "*").size(), "messages left while those are out");
            calls.ack(popped.get(0));
            calls.batchAck(List.of(popped.get(1), popped.get(2), popped.get(3)));
            calls.ack(popped.get(0));
            long changedAtMs = System.currentTimeMillis();
            calls.changeInvisible(popped.get(4), 20_000);
            Map<String, Integer> again = new ConcurrentHashMap<>();
            Map<String, Long> atMs = new ConcurrentHashMap<>();
            long deadlineMs = System.currentTimeMillis() + 120_000;
            while (again.size() < 4 && System.currentTimeMillis() < deadlineMs) {
                for (MessageExt message : calls.pop(8, 60_000, false, null, "*")) {
                    again.merge(text(message), 1, Integer::sum);
                    atMs.put(text(message), System.currentTimeMillis());
                    Env.equal(1, message.getReconsumeTimes(), "deliveries of " + text(message));
                    calls.ack(message);
                }
            }
            Env.equal(Set.of("m4", "m5", "m6", "m7"), again.keySet(), "messages that came again");
            for (Map.Entry<String, Integer> entry : again.entrySet()) Env.equal(1, entry.getValue(), "times " + entry.getKey() + " came again");
            Env.equal(true, atMs.get("m4") - changedAtMs >= 20_000, "the changed time is kept");
        } finally {
            producer.shutdown();
        }
    }

    /** Orderly pops: one batch at a time, the same attempt gets it again, counted when its time is up. */
    static void popOrderly(Env env) throws Exception {
        String topic = env.topic("poporderly");
        String group = env.group("poporderly");
        prepare(env, topic, group, 1, 8);
        DefaultMQProducer producer = env.producer("poporderly");
        try (PopCalls calls = new PopCalls(env, topic, group)) {
            for (int n = 0; n < 6; n++) producer.send(Env.message(topic, "", "", "o" + n));
            List<MessageExt> first = calls.pop(2, 15_000, true, "attempt-1", "*");
            Env.equal(List.of("o0", "o1"), texts(first), "the first batch");
            Env.equal(List.of(), texts(calls.pop(2, 15_000, true, "attempt-2", "*")), "another attempt while it is out");
            Env.equal(List.of("o0", "o1"), texts(calls.pop(2, 15_000, true, "attempt-1", "*")), "the same attempt again");
            List<MessageExt> counted = new ArrayList<>();
            long deadlineMs = System.currentTimeMillis() + 90_000;
            while (counted.isEmpty() && System.currentTimeMillis() < deadlineMs) counted = calls.pop(2, 120_000, true, "attempt-3", "*");
            Env.equal(List.of("o0", "o1"), texts(counted), "the batch when its time was up");
            Env.equal(1, counted.get(0).getReconsumeTimes(), "deliveries counted");
            calls.ack(counted.get(0));
            Env.equal(List.of(), texts(calls.pop(2, 120_000, true, "attempt-4", "*")), "half acknowledged still blocks");
            calls.ack(counted.get(1));
            Env.equal(List.of("o2", "o3"), texts(calls.pop(2, 20_000, true, "attempt-5", "*")), "the next batch");
        } finally {
            producer.shutdown();
        }
    }

    private static List<String> texts(List<MessageExt> messages) {
        List<String> texts = new ArrayList<>();
        for (MessageExt message : messages) texts.add(text(message));
        return texts;
    }
}
