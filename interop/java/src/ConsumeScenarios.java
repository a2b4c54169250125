// Every plain way to consume. Each sends its own messages and checks what came, how often and in what order.
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.impl.consumer.ProcessQueue;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

final class ConsumeScenarios {
    static void consumeClustering(Env env) throws Exception {
        String topic = env.topic("cluster");
        DefaultMQProducer producer = env.producer("cluster");
        Map<String, Queue<String>> seen = new ConcurrentHashMap<>();
        Set<String> members = ConcurrentHashMap.newKeySet();
        List<DefaultMQPushConsumer> consumers = new ArrayList<>();
        try {
            producer.send(Env.message(topic, "TagA", "", "warm-up"));
            for (int member = 0; member < 2; member++) {
                DefaultMQPushConsumer consumer = env.push("cluster");
                String name = "c" + member;
                consumer.subscribe(topic, "TagA || TagB");
                consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                    for (MessageExt message : messages) {
                        if (Env.text(message).equals("warm-up")) continue;
                        String place = message.getQueueId() + "@" + message.getQueueOffset();
                        seen.computeIfAbsent(Env.text(message), key -> new ConcurrentLinkedQueue<>()).add(place + " to " + name);
                        members.add(name);
                    }
                    return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
                });
                consumer.start();
                consumers.add(consumer);
            }
            for (DefaultMQPushConsumer consumer : consumers) {
                Env.await("each member has queues", 90_000, () -> queuesOf(consumer, topic).size() == 2);
            }
            List<Map<MessageQueue, ProcessQueue>> shares = sharesOf(consumers, topic);
            for (int n = 0; n < 200; n++) producer.send(Env.message(topic, n % 2 == 0 ? "TagA" : "TagB", "", "m" + n));
            for (int n = 0; n < 20; n++) producer.send(Env.message(topic, "TagOther", "", "x" + n));
            try {
                // A client that loses the race for its heartbeat lock tells its subscription half a minute later.
                Env.await("200 messages", 90_000, () -> seen.size() >= 200);
            } catch (AssertionError late) {
                List<String> missing = new ArrayList<>();
                for (int n = 0; n < 200; n++) if (!seen.containsKey("m" + n)) missing.add("m" + n);
                throw new AssertionError("not within 90 s: " + missing);
            }
            Thread.sleep(300);
            Env.equal(200, seen.size(), "messages of the subscribed tags");
            // A queue that changes hands brings again what wasn't committed; while none does, each message comes once.
            int most = sharesOf(consumers, topic).equals(shares) ? 1 : 2;
            seen.forEach((text, places) -> Env.check(places.size() <= most, text + " was delivered from " + places));
            Env.equal(2, members.size(), "members that worked");
        } finally {
            consumers.forEach(DefaultMQPushConsumer::shutdown);
            producer.shutdown();
        }
    }

    static void consumeMembers(Env env) throws Exception {
        String topic = env.topic("members");
        DefaultMQProducer producer = env.producer("members");
        try {
            producer.send(Env.message(topic, "", "", "warm-up"));
            membersComeAndGo(producer, topic, () -> env.push("members"));
        } finally {
            producer.shutdown();
        }
    }

    /** Members come and go while messages are sent: each message is consumed, none is lost with a member. */
    static void membersComeAndGo(DefaultMQProducer producer, String topic, Supplier<DefaultMQPushConsumer> member) throws Exception {
        Set<String> seen = ConcurrentHashMap.newKeySet();
        List<DefaultMQPushConsumer> consumers = new ArrayList<>();
        try {
            int total = 600;
            for (int n = 0; n < total; n++) {
                if (n % 150 == 0) {
                    DefaultMQPushConsumer consumer = member.get();
                    consumer.subscribe(topic, "*");
                    consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                        for (MessageExt message : messages) seen.add(Env.text(message));
                        return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
                    });
                    consumer.start();
                    consumers.add(consumer);
                }
                if (n == 400) consumers.remove(0).shutdown();
                producer.send(Env.message(topic, "", "", "m" + n));
            }
            Env.await(total + " messages", 120_000, () -> seen.stream().filter(text -> text.startsWith("m")).count() == total);
        } finally {
            consumers.forEach(DefaultMQPushConsumer::shutdown);
        }
    }

    private static Map<MessageQueue, ProcessQueue> queuesOf(DefaultMQPushConsumer consumer, String topic) {
        Map<MessageQueue, ProcessQueue> queues = new HashMap<>();
        consumer.getDefaultMQPushConsumerImpl().getRebalanceImpl().getProcessQueueTable().forEach((queue, process) -> {
            if (queue.getTopic().equals(topic)) queues.put(queue, process);
        });
        return queues;
    }

    /** What each member has; a queue that was lost and won again is another ProcessQueue. */
    private static List<Map<MessageQueue, ProcessQueue>> sharesOf(List<DefaultMQPushConsumer> consumers, String topic) {
        List<Map<MessageQueue, ProcessQueue>> shares = new ArrayList<>();
        for (DefaultMQPushConsumer consumer : consumers) shares.add(queuesOf(consumer, topic));
        return shares;
    }

    static void consumeBroadcasting(Env env) throws Exception {
        String topic = env.topic("broadcast");
        DefaultMQProducer producer = env.producer("broadcast");
        List<DefaultMQPushConsumer> consumers = new ArrayList<>();
        List<Set<String>> seen = new ArrayList<>();
        try {
            producer.send(Env.message(topic, "", "", "m0"));
            for (int member = 0; member < 2; member++) {
                DefaultMQPushConsumer consumer = env.push("broadcast");
                Set<String> mine = ConcurrentHashMap.newKeySet();
                seen.add(mine);
                broadcast(consumer);
                consumer.subscribe(topic, "*");
                consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                    for (MessageExt message : messages) mine.add(Env.text(message));
                    return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
                });
                consumer.start();
                consumers.add(consumer);
            }
            for (int n = 1; n < 50; n++) producer.send(Env.message(topic, "", "", "m" + n));
            for (Set<String> mine : seen) Env.await("50 messages at each member", 90_000, () -> mine.size() == 50);
        } finally {
            consumers.forEach(DefaultMQPushConsumer::shutdown);
            producer.shutdown();
        }
    }

    /** MessageModel lives in different packages in 4.9 and 5.x, so it is set by its name. */
    private static void broadcast(DefaultMQPushConsumer consumer) throws Exception {
        for (java.lang.reflect.Method method : DefaultMQPushConsumer.class.getMethods()) {
            if (!method.getName().equals("setMessageModel")) continue;
            for (Object model : method.getParameterTypes()[0].getEnumConstants()) {
                if (model.toString().equals("BROADCASTING")) method.invoke(consumer, model);
            }
        }
    }

    static void consumeOrderly(Env env) throws Exception {
        String topic = env.topic("orderly");
        DefaultMQProducer producer = env.producer("orderly");
        DefaultMQPushConsumer consumer = env.push("orderly");
        Map<Integer, List<String>> order = new ConcurrentHashMap<>();
        AtomicInteger suspended = new AtomicInteger();
        try {
            for (int n = 0; n < 80; n++) {
                producer.send(Env.message(topic, "", "", "o" + n), (queues, message, argument) -> queues.get((Integer) argument), n % 4);
            }
            consumer.subscribe(topic, "*");
            consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
                for (MessageExt message : messages) {
                    if (Env.text(message).equals("o5") && suspended.getAndIncrement() == 0) return ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT;
                    order.computeIfAbsent(message.getQueueId(), id -> new ArrayList<>()).add(Env.text(message));
                }
                return ConsumeOrderlyStatus.SUCCESS;
            });
            consumer.start();
            Env.await("80 messages", 90_000, () -> order.values().stream().mapToInt(List::size).sum() == 80);
            for (Map.Entry<Integer, List<String>> queue : order.entrySet()) {
                for (int n = 0; n < 20; n++) Env.equal("o" + (n * 4 + queue.getKey()), queue.getValue().get(n), "order in queue " + queue.getKey());
            }
            Env.equal(2, suspended.get(), "deliveries of the suspended message");
        } finally {
            consumer.shutdown();
            producer.shutdown();
        }
    }

    static void consumeRetryToDlq(Env env) throws Exception {
        String topic = env.topic("retry");
        DefaultMQProducer producer = env.producer("retry");
        DefaultMQPushConsumer consumer = env.push("retry");
        ConcurrentLinkedQueue<Integer> attempts = new ConcurrentLinkedQueue<>();
        Set<String> fine = ConcurrentHashMap.newKeySet();
        try {
            consumer.setMaxReconsumeTimes(2);
            consumer.subscribe(topic, "*");
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                for (MessageExt message : messages) {
                    if (Env.text(message).equals("bad")) {
                        attempts.add(message.getReconsumeTimes());
                        return ConsumeConcurrentlyStatus.RECONSUME_LATER;
                    }
                    fine.add(Env.text(message));
                }
                return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
            producer.send(Env.message(topic, "", "", "good"));
            producer.send(Env.message(topic, "", "bad-key", "bad"));
            consumer.start();
            Env.await("three attempts", 60_000, () -> attempts.size() >= 3);
            Env.await("the good one", 90_000, () -> fine.contains("good"));
            Env.equal(new ArrayList<>(java.util.Arrays.asList(0, 1, 2)), new ArrayList<>(attempts), "reconsume times");
            MessageExt dead = firstOf(env, "%DLQ%" + env.group("retry"));
            Env.equal("bad", Env.text(dead), "the dead letter's body");
            Env.equal(topic, dead.getProperty("RETRY_TOPIC"), "where it came from");
        } finally {
            consumer.shutdown();
            producer.shutdown();
        }
    }

    /** Reads the first message of a topic's queue 0 once it is there. */
    private static MessageExt firstOf(Env env, String topic) throws Exception {
        DefaultMQPullConsumer reader = new DefaultMQPullConsumer(env.group("reader"));
        reader.setNamesrvAddr(env.namesrv);
        reader.setInstanceName(env.instance());
        reader.start();
        try {
            long deadlineMs = System.currentTimeMillis() + 60_000;
            while (System.currentTimeMillis() < deadlineMs) {
                try {
                    for (MessageQueue queue : reader.fetchSubscribeMessageQueues(topic)) {
                        PullResult result = reader.pull(queue, "*", 0, 1);
                        if (result.getPullStatus() == PullStatus.FOUND) return result.getMsgFoundList().get(0);
                    }
                } catch (org.apache.rocketmq.client.exception.MQClientException notThereYet) {
                    // The topic is made when the first message goes there.
                }
                Thread.sleep(200);
            }
            throw new AssertionError("nothing in " + topic);
        } finally {
            reader.shutdown();
        }
    }

    static void consumeDelayed(Env env) throws Exception {
        String topic = env.topic("delayed");
        DefaultMQProducer producer = env.producer("delayed");
        DefaultMQPushConsumer consumer = env.push("delayed");
        Map<String, Long> arrivedMs = new ConcurrentHashMap<>();
        Map<String, Long> sentMs = new HashMap<>();
        try {
            consumer.subscribe(topic, "TagD");
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                for (MessageExt message : messages) arrivedMs.put(Env.text(message), System.currentTimeMillis());
                return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
            producer.send(Env.message(topic, "TagD", "", "now"));
            consumer.start();
            Env.await("the undelayed one", 90_000, () -> arrivedMs.containsKey("now"));
            for (int n = 0; n < 10; n++) {
                Message message = Env.message(topic, "TagD", "", "d" + n);
                message.setDelayTimeLevel(1);
                sentMs.put("d" + n, System.currentTimeMillis());
                producer.send(message);
            }
            Env.await("10 delayed messages", 90_000, () -> arrivedMs.size() == 11);
            for (String name : sentMs.keySet()) {
                long delayMs = arrivedMs.get(name) - sentMs.get(name);
                Env.check(delayMs >= 990, name + " came after " + delayMs + " ms");
            }
        } finally {
            consumer.shutdown();
            producer.shutdown();
        }
    }

    static void pullConsumer(Env env) throws Exception {
        String topic = env.topic("pull");
        DefaultMQProducer producer = env.producer("pull");
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer(env.group("pull"));
        consumer.setNamesrvAddr(env.namesrv);
        consumer.setInstanceName(env.instance());
        try {
            for (int n = 0; n < 40; n++) producer.send(Env.message(topic, n % 2 == 0 ? "Even" : "Odd", "", "p" + n));
            consumer.start();
            Collection<MessageQueue> queues = consumer.fetchSubscribeMessageQueues(topic);
            Env.equal(4, queues.size(), "queues");
            Set<String> all = new HashSet<>();
            Set<String> even = new HashSet<>();
            for (MessageQueue queue : queues) {
                for (MessageExt message : drain(consumer, queue, "*")) all.add(Env.text(message));
                for (MessageExt message : drain(consumer, queue, "Even")) even.add(Env.text(message));
                long max = consumer.maxOffset(queue);
                Env.equal(PullStatus.NO_NEW_MSG, consumer.pull(queue, "*", max, 32).getPullStatus(), "at the end");
                PullResult beyond = consumer.pull(queue, "*", 1000, 32);
                Env.equal(PullStatus.OFFSET_ILLEGAL, beyond.getPullStatus(), "past the end");
                Env.equal(max, beyond.getNextBeginOffset(), "where to go on");
                Env.equal(PullStatus.NO_MATCHED_MSG, consumer.pull(queue, "Nothing", 0, 32).getPullStatus(), "all filtered");
                consumer.getOffsetStore().updateConsumeOffsetToBroker(queue, 7, false);
            }
            Env.equal(40, all.size(), "messages");
            Env.equal(20, even.size(), "messages with tag Even");
            for (MessageQueue queue : queues) {
                Env.await("the committed offset", 90_000, () -> {
                    try {
                        return consumer.fetchConsumeOffset(queue, true) == 7;
                    } catch (Exception error) {
                        throw new IllegalStateException(error);
                    }
                });
            }
        } finally {
            consumer.shutdown();
            producer.shutdown();
        }
    }

    private static List<MessageExt> drain(DefaultMQPullConsumer consumer, MessageQueue queue, String tags) throws Exception {
        List<MessageExt> found = new ArrayList<>();
        for (long offset = 0;;) {
            PullResult result = consumer.pull(queue, tags, offset, 4);
            if (result.getPullStatus() == PullStatus.NO_NEW_MSG) return found;
            if (result.getPullStatus() == PullStatus.FOUND) found.addAll(result.getMsgFoundList());
            Env.check(result.getNextBeginOffset() > offset || result.getPullStatus() != PullStatus.FOUND, "the offset moves on");
            offset = result.getNextBeginOffset();
            if (offset >= result.getMaxOffset()) return found;
        }
    }

    static void litePullSubscribe(Env env) throws Exception {
        String topic = env.topic("lite");
        DefaultMQProducer producer = env.producer("lite");
        DefaultLitePullConsumer consumer = lite(env, "lite");
        try {
            for (int n = 0; n < 40; n++) producer.send(Env.message(topic, "TagL", "", "l" + n));
            consumer.subscribe(topic, "TagL");
            consumer.start();
            Set<String> seen = new HashSet<>();
            long deadlineMs = System.currentTimeMillis() + 90_000;
            while (seen.size() < 40 && System.currentTimeMillis() < deadlineMs) {
                for (MessageExt message : consumer.poll(1000)) seen.add(Env.text(message));
            }
            Env.equal(40, seen.size(), "messages");
        } finally {
            consumer.shutdown();
            producer.shutdown();
        }
    }

    static void litePullAssign(Env env) throws Exception {
        String topic = env.topic("assign");
        DefaultMQProducer producer = env.producer("assign");
        DefaultLitePullConsumer consumer = lite(env, "assign");
        try {
            for (int n = 0; n < 40; n++) producer.send(Env.message(topic, "", "", "a" + n));
            consumer.setAutoCommit(false);
            consumer.start();
            Collection<MessageQueue> queues = consumer.fetchMessageQueues(topic);
            consumer.assign(queues);
            // All first, until a pull comes back empty: a seek beside a pull that brings messages leaves them twice in Java's
            // client, which then commits nothing for the queue.
            Env.equal(40, polled(consumer, 40).size(), "messages from the start");
            long wanted = 0;
            for (MessageQueue queue : queues) {
                consumer.seek(queue, 5);
                wanted += producer.maxOffset(queue) - 5;
            }
            List<MessageExt> again = polled(consumer, wanted);
            Env.equal(wanted, (long) again.size(), "messages after the seek");
            for (MessageExt message : again) Env.check(message.getQueueOffset() >= 5, "at or behind the place sought");
            consumer.commitSync();
            for (MessageQueue queue : queues) Env.equal(producer.maxOffset(queue), consumer.committed(queue), "committed");
        } finally {
            consumer.shutdown();
            producer.shutdown();
        }
    }

    /** What polls bring, until as many have come as are wanted and a poll is empty. */
    private static List<MessageExt> polled(DefaultLitePullConsumer consumer, long wanted) {
        List<MessageExt> found = new ArrayList<>();
        long deadlineMs = System.currentTimeMillis() + 90_000;
        while (System.currentTimeMillis() < deadlineMs) {
            List<MessageExt> some = consumer.poll(500);
            found.addAll(some);
            if (some.isEmpty() && found.size() >= wanted) break;
        }
        return found;
    }

    private static DefaultLitePullConsumer lite(Env env, String name) {
        DefaultLitePullConsumer consumer = new DefaultLitePullConsumer(env.group(name));
        consumer.setNamesrvAddr(env.namesrv);
        consumer.setInstanceName(env.instance());
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        return consumer;
    }
}
