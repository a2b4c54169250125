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
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageRequestMode;
import org.apache.rocketmq.remoting.protocol.body.ClusterInfo;
import org.apache.rocketmq.remoting.protocol.route.BrokerData;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

final class PopScenarios {
    private static final long INVISIBLE_MS = 10_000;

    private static DefaultMQPushConsumer push(Env env, String name) {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(env.group(name));
        consumer.setNamesrvAddr(env.namesrv);
        consumer.setInstanceName(env.instance());
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setClientRebalance(false);
        consumer.setPopInvisibleTime(INVISIBLE_MS);
        return consumer;
    }

    private static String text(MessageExt message) {
        return new String(message.getBody(), java.nio.charset.StandardCharsets.UTF_8);
    }

    /** The topic with its queues and the group, which pops from it. */
    private static void prepare(Env env, String topic, String group, int queues, int shared) throws Exception {
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
}
