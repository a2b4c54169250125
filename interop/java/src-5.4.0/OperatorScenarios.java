// What an operator does to consumers by the admin API, and what they notice: resets online and offline, running state, one
// message consumed on demand, offsets by client, groups that are suspended or may not read a topic.
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.body.CMResult;
import org.apache.rocketmq.remoting.protocol.body.ConsumeMessageDirectlyResult;
import org.apache.rocketmq.remoting.protocol.body.ConsumerRunningInfo;
import org.apache.rocketmq.remoting.protocol.route.BrokerData;
import org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

final class OperatorScenarios {
    private static final int MESSAGES = 20;

    /** A group that has consumed twenty messages, and an operator. */
    private static final class Bed implements AutoCloseable {
        final Env env;
        final String topic;
        final String group;
        final DefaultMQProducer producer;
        final DefaultMQAdminExt admin = new DefaultMQAdminExt(10_000);
        final List<String> seen = new CopyOnWriteArrayList<>();
        DefaultMQPushConsumer consumer;
        SendResult lastSent;

        Bed(Env env, String name) throws Exception {
            this.env = env;
            topic = env.topic(name);
            group = env.group(name);
            producer = env.producer(name + "p");
            admin.setNamesrvAddr(env.namesrv);
            admin.setInstanceName(env.instance());
            admin.start();
            send(0, MESSAGES);
            start(name);
            Env.await("all messages", 90_000, () -> seen.size() >= MESSAGES);
        }

        void send(int from, int to) throws Exception {
            for (int n = from; n < to; n++) lastSent = producer.send(Env.message(topic, "", "", "m" + n));
        }

        void start(String name) throws Exception {
            consumer = env.push(name);
            consumer.setPullTimeDelayMillsWhenException(500);
            consumer.subscribe(topic, "*");
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                for (MessageExt message : messages) seen.add(Env.text(message));
                return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
            consumer.start();
        }

        String clientId() {
            return consumer.buildMQClientId();
        }

        String brokerAddress() throws Exception {
            BrokerData broker = admin.examineTopicRouteInfo(topic).getBrokerDatas().get(0);
            return broker.selectBrokerAddr();
        }

        @Override public void close() {
            consumer.shutdown();
            producer.shutdown();
            admin.shutdown();
        }
    }

    static void operatorReset(Env env) throws Exception {
        try (Bed bed = new Bed(env, "reset")) {
            bed.consumer.getDefaultMQPushConsumerImpl().persistConsumerOffset();
            bed.admin.resetOffsetByTimestamp(bed.topic, bed.group, 0, true);
            Env.await("all messages again, online", 60_000, () -> bed.seen.size() >= 2 * MESSAGES);
            bed.consumer.shutdown();
            bed.seen.clear();
            bed.admin.resetOffsetByTimestamp(bed.topic, bed.group, 0, true);
            bed.start("reset");
            Env.await("all messages again, offline", 60_000, () -> bed.seen.size() >= MESSAGES);
            Env.equal(MESSAGES, (int) bed.seen.stream().distinct().count(), "messages");
        }
    }

    static void operatorRunningInfo(Env env) throws Exception {
        try (Bed bed = new Bed(env, "running")) {
            ConsumerRunningInfo info = bed.admin.getConsumerRunningInfo(bed.group, bed.clientId(), true);
            Env.check(info.getJstack().contains("ConsumeMessageThread"), "the stacks show the consumer's threads");
            Set<MessageQueue> queues = info.getMqTable().keySet();
            Env.equal(4L, queues.stream().filter(queue -> queue.getTopic().equals(bed.topic)).count(), "queues");
            Env.check(info.getSubscriptionSet().stream().anyMatch(each -> each.getTopic().equals(bed.topic)), "the subscription");
            Env.check(info.formatString().contains(bed.topic), "mqadmin can print it");
            ConsumeMessageDirectlyResult result = bed.admin.consumeMessageDirectly(bed.group, bed.clientId(), bed.topic, bed.lastSent.getOffsetMsgId());
            Env.equal(CMResult.CR_SUCCESS, result.getConsumeResult(), "the result of consuming one message");
            Env.equal(2L, bed.seen.stream().filter(text -> text.equals("m" + (MESSAGES - 1))).count(), "deliveries of that message");
            Map<String, Map<MessageQueue, Long>> status = bed.admin.getConsumeStatus(bed.topic, bed.group, "");
            Env.equal((long) MESSAGES, status.get(bed.clientId()).values().stream().mapToLong(Long::longValue).sum(), "the client's offsets");
        }
    }

    static void operatorSuspend(Env env) throws Exception {
        try (Bed bed = new Bed(env, "suspend")) {
            SubscriptionGroupConfig config = bed.admin.examineSubscriptionGroupConfig(bed.brokerAddress(), bed.group);
            config.setConsumeEnable(false);
            bed.admin.createAndUpdateSubscriptionGroupConfig(bed.brokerAddress(), config);
            expectNothing(bed, () -> {
                config.setConsumeEnable(true);
                bed.admin.createAndUpdateSubscriptionGroupConfig(bed.brokerAddress(), config);
            });
        }
    }

    static void operatorForbid(Env env) throws Exception {
        try (Bed bed = new Bed(env, "forbid")) {
            Env.equal(false, bed.admin.updateAndGetGroupReadForbidden(bed.brokerAddress(), bed.group, bed.topic, false).getReadable(), "readable");
            expectNothing(bed, () -> {
                Env.equal(true, bed.admin.updateAndGetGroupReadForbidden(bed.brokerAddress(), bed.group, bed.topic, true).getReadable(), "readable");
            });
        }
    }

    private interface Change {
        void make() throws Exception;
    }

    /** Pulls that were held may still bring one message a queue; after those nothing comes until the change. */
    private static void expectNothing(Bed bed, Change change) throws Exception {
        AtomicInteger next = new AtomicInteger(MESSAGES);
        for (int quiet = 0; quiet < 3;) {
            int before = bed.seen.size();
            int from = next.getAndAdd(8);
            bed.send(from, from + 8);
            Thread.sleep(700);
            quiet = bed.seen.size() == before ? quiet + 1 : 0;
            Env.check(next.get() < 400, "the group stops");
        }
        change.make();
        Env.await("what was sent meanwhile", 60_000, () -> new java.util.HashSet<>(bed.seen).size() == next.get());
    }
}
